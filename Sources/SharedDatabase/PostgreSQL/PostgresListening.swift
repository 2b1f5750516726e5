import Glibc

/// What the listening thread does. Everything here happens on that thread.
final class PostgresListening {
    private let listener: PostgresListener
    private let settings: PostgresSettings
    private var link: PostgresLink?
    private var channels: Set<String> = []
    private var locks: [Int64: SessionLock] = [:]
    /// The server's process of the last connection, and when it began.
    private var session: [PostgresParameter] = []
    private var backoff = Backoff(first: .milliseconds(25), longest: .seconds(1))
    private var nextAttempt = ContinuousClock.now
    private var nextQuestion = ContinuousClock.now
    /// Whether the readers believe that they miss nothing.
    private var isHeard = true

    init(_ listener: PostgresListener) {
        self.listener = listener
        settings = listener.connector.settings
    }

    func run() {
        while !listener.isClosed {
            if link == nil, ContinuousClock.now >= nextAttempt { connect() }
            for request in listener.takeRequests() { serve(request) }
            do throws(PostgresError) {
                try listen()
            } catch {
                lose(error)
            }
        }
        lose(nil)
        refuseAll(.closed)
    }

    /// Answers what nobody will do any more.
    func refuseAll(_ error: DatabaseError) {
        for request in listener.takeRequests() {
            switch request {
            case .listen(_, let continuation): continuation.resume(throwing: error)
            case .lock(_, let continuation): continuation.resume(throwing: error)
            case .unlock(_, let continuation): continuation.resume()
            }
        }
        listener.hub.close()
    }

    private func connect() {
        do throws(PostgresError) {
            let made = try listener.connector.connect()
            channels = []
            link = made
            try endLastSession(made)
            try listen(to: listener.hub.channels)
            backoff.reset()
            listener.health.noteAnswer(isReadOnly: made.isReadOnly)
            nextQuestion = ContinuousClock.now + settings.listenInterval
            if !isHeard {
                isHeard = true
                listener.hub.tellAll(.resumed)
            }
        } catch {
            lose(error, isServerAway: true)
        }
    }

    /// A connection that was cut off lives on at the server, with its locks, until that notices.
    private func endLastSession(_ link: PostgresLink) throws(PostgresError) {
        if !session.isEmpty {
            let end = """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid = ? AND backend_start::text = ? AND usename = current_user
                """
            try link.send(end, session, isWanted: false)
        }
        let own = "SELECT pid::int8, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        try link.send(own, isWanted: true)
        let row = try link.receive(within: settings.listenInterval * 2).last?.firstRow() ?? []
        session = []
        for value in row { session.append(try parameter(value)) }
    }

    /// The loss of this connection alone says nothing about the server, unless that was silent.
    /// - Parameter error: `nil` at the end.
    /// - Parameter isServerAway: Whether no connection can be made.
    private func lose(_ error: PostgresError?, isServerAway: Bool = false) {
        link = nil
        for lock in locks.values { lock.end() }
        locks = [:]
        guard let error else { return }
        nextAttempt = ContinuousClock.now + backoff.next()
        if isServerAway || error.isSilence { listener.health.noteFailure(reason: reason(of: error)) }
        guard isHeard else { return }
        isHeard = false
        listener.hub.tellAll(.interrupted)
    }

    private func reason(of error: PostgresError) -> String {
        if case .unavailable(let reason) = error.databaseError(sql: nil) { return reason }
        return "\(error.databaseError(sql: nil))"
    }

    /// Waits for something to happen, and hands out what comes.
    private func listen() throws(PostgresError) {
        guard let link else {
            if SystemPoll.wait(for: listener.wake.descriptor, Int16(POLLIN), until: nextAttempt) {
                listener.wake.lower()
            }
            return
        }
        let ready = SystemPoll.wait(
            for: [(listener.wake.descriptor, Int16(POLLIN)), (link.descriptor, Int16(POLLIN))],
            until: nextQuestion)
        if ready[0] { listener.wake.lower() }
        if ready[1] {
            try link.consume()
            // What has come proves that it is alive.
            nextQuestion = ContinuousClock.now + settings.listenInterval
        }
        if ContinuousClock.now >= nextQuestion {
            try link.send("SELECT 1", isWanted: false)
            try answer(of: link)
            listener.health.noteAnswer(isReadOnly: link.isReadOnly)
        }
        deliver(link)
    }

    private func answer(of link: PostgresLink) throws(PostgresError) {
        _ = try link.receive(within: settings.listenInterval * 2)
        nextQuestion = ContinuousClock.now + settings.listenInterval
        deliver(link)
    }

    private func deliver(_ link: PostgresLink) {
        for notification in link.notifications() {
            listener.hub.deliver(channel: notification.channel, payload: notification.payload)
        }
    }

    private func listen(to wanted: Set<String>) throws(PostgresError) {
        let missing = wanted.subtracting(channels)
        guard let link, !missing.isEmpty else { return }
        // The names were checked to be made of letters, digits and underscores.
        for channel in missing { try link.send("LISTEN \"\(channel)\"", isWanted: false) }
        try answer(of: link)
        channels.formUnion(missing)
    }

    private func serve(_ request: PostgresListener.Request) {
        switch request {
        case .listen(let channels, let continuation):
            do throws(PostgresError) {
                try listen(to: Set(channels))
            } catch {
                lose(error)
            }
            guard let mailbox = listener.hub.add(channels) else {
                return continuation.resume(throwing: DatabaseError.closed)
            }
            if link == nil {
                mailbox.put(.interrupted)
                if isHeard { listener.hub.tellAll(.interrupted) }
                isHeard = false
            }
            continuation.resume(returning: mailbox)
        case .lock(let key, let continuation):
            continuation.resume(with: Result { try lock(key) })
        case .unlock(let lock, let continuation):
            unlock(lock)
            continuation.resume()
        }
    }

    private func lock(_ key: Int64) throws -> SessionLock? {
        guard locks[key] == nil else { return nil }
        guard let link else { throw DatabaseError.unavailable(reason: "the server does not answer") }
        do throws(PostgresError) {
            let parameter = try parameter(.integer(key))
            try link.send("SELECT pg_try_advisory_lock(?) AS locked", [parameter], isWanted: true)
            let answer = try link.receive(within: settings.listenInterval * 2).last
            deliver(link)
            guard answer?.firstRow() == [.integer(1)] else { return nil }
        } catch {
            lose(error)
            throw error.databaseError(sql: nil)
        }
        let listener = listener
        let lock = SessionLock(key: key) { [weak listener] lock in await listener?.unlock(lock) }
        locks[key] = lock
        return lock
    }

    private func parameter(_ value: DatabaseValue) throws(PostgresError) -> PostgresParameter {
        do {
            return try PostgresParameter(value)
        } catch {
            throw .broken(reason: "\(error)")
        }
    }

    private func unlock(_ lock: SessionLock) {
        // Where the connection was lost since, it may be somebody else's.
        guard let link, locks[lock.key] === lock else { return }
        locks[lock.key] = nil
        do throws(PostgresError) {
            try link.send(
                "SELECT pg_advisory_unlock(?)", [try parameter(.integer(lock.key))], isWanted: false)
            try answer(of: link)
        } catch {
            lose(error)
        }
    }
}
