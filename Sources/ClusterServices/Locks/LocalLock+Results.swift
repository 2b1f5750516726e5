extension LocalLock {
    /// These have their places in the database now.
    mutating func place(_ waiters: [Waiter], _ rows: [Int64]) {
        let rowByID = Dictionary(zip(waiters.map(\.id), rows), uniquingKeysWith: { $1 })
        for index in queue.indices { queue[index].row = rowByID[queue[index].id] ?? queue[index].row }
    }

    /// Places were given up; those that were not there any more have been granted the lock.
    mutating func withdraw(_ rows: [Int64], gone: Set<Int64>) {
        queue.removeAll { $0.isGone && $0.row.map(gone.contains) == true }
        if gone.count < rows.count { mustReconcile = true }
    }

    /// Giving up these places is tried again.
    mutating func withdrawAgain(_ rows: [Int64]) {
        for index in queue.indices where queue[index].row.map(rows.contains) == true {
            queue[index].isWithdrawn = false
        }
    }

    /// The grant has ended, and others can have the lock.
    mutating func endHold(_ hold: LockHold, keepsOrder: Bool = false) {
        guard let holder, holder.hold === hold else { return }
        self.holder = nil
        if !keepsOrder {
            (isContended, shownWaiters) = (false, 0)
            for index in queue.indices { queue[index].isAhead = false }
        }
        tell(holder.releases ?? [])
    }

    /// A waiter of this node has been granted the lock.
    mutating func grant(_ token: Int64, _ table: LockTable, to isWanted: (Waiter) -> Bool) {
        guard let waiter = remove(where: isWanted) else {
            mustReconcile = true
            return
        }
        let hold = LockHold(name: table.name, token: token, incarnation: table.owner, run: waiter.run)
        guard !waiter.isGone else {
            _ = hold.release()
            holder = Holder(hold: hold, releases: [])
            return
        }
        holder = Holder(hold: hold, releases: nil)
        tell([{ waiter.answer(.success(hold)) }])
    }

    /// A waiter of this node does not get the lock.
    mutating func refuse(_ id: Int64) {
        guard let waiter = remove(where: { $0.id == id }) else { return }
        tell([{ waiter.answer(.success(nil)) }])
    }

    /// The lock was given to somebody in the database's queue; perhaps to one of ours.
    mutating func accept(_ grant: LockTable.Grant?, _ table: LockTable) {
        var grant = grant
        if grant?.owner != table.owner { grant = nil }
        if grant == nil, let (row, token) = early.first(where: { row, _ in queue.contains { $0.row == row } })
        {
            grant = LockTable.Grant(owner: table.owner, row: row, token: token)
        }
        early = [:]
        guard let grant, holder == nil, queue.contains(where: { $0.row == grant.row }) else { return }
        self.grant(grant.token, table) { $0.row == grant.row }
        // Others may wait behind that place.
        isContended = true
    }
}
