/// Entries by key with the order of their last reads: part of a cache, behind a lock.
struct CacheTable {
    /// An entry. Places are indexes of `slots`; -1 is none.
    private struct Slot {
        var hash = 0
        var text: [UInt8] = []
        var number: Int64 = 0
        var isText = false
        var bytes: [UInt8] = []
        var version: Int64 = 0
        var expires: Int64 = .max
        var idleEnd: Int64 = .max
        var next: Int32 = -1
        var newer: Int32 = -1
        var older: Int32 = -1

        var size: Int { text.count + bytes.count + 64 }
    }

    private var buckets: [Int32] = Array(repeating: -1, count: 16)
    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    let entriesMax: Int
    let bytesMax: Int
    let idle: Int64?
    private(set) var count = 0
    private(set) var bytes = 0
    private(set) var evictions = 0

    init(entriesMax: Int, bytesMax: Int, idle: Int64?) {
        self.entriesMax = entriesMax
        self.bytesMax = bytesMax
        self.idle = idle
    }

    /// Lends the encoded value of a key that has not expired. Gives whether there was one.
    @inline(__always)
    mutating func read(
        _ key: CacheKey.LentKey, _ hash: Int, now: Int64, _ body: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        let place = find(key, hash)
        guard place >= 0 else { return false }
        let index = Int(place)
        guard now < slots[index].expires, now < slots[index].idleEnd else {
            remove(at: place)
            return false
        }
        if let idle { slots[index].idleEnd = now &+ idle }
        if newest != place {
            unlink(place)
            link(place)
        }
        slots[index].bytes.withUnsafeBytes(body)
        return true
    }

    /// The version of an entry; `nil` when there is none.
    func version(_ key: CacheKey.LentKey, _ hash: Int) -> Int64? {
        let place = find(key, hash)
        return place < 0 ? nil : slots[Int(place)].version
    }

    /// Stores a value, unless there is one of a later version; makes room for it. One that is larger than all
    /// the room is not stored.
    mutating func insert(
        _ key: CacheKey.LentKey, _ hash: Int, _ bytes: [UInt8], version: Int64, expires: Int64, now: Int64
    ) {
        let present = find(key, hash)
        if present >= 0 {
            if slots[Int(present)].version > version { return }
            remove(at: present)
        }
        var slot = Slot()
        slot.hash = hash
        switch key {
        case .text(let text): (slot.isText, slot.text) = (true, Array(text))
        case .integer(let number): slot.number = number
        }
        slot.bytes = bytes
        slot.version = version
        slot.expires = expires
        slot.idleEnd = idle.map { now &+ $0 } ?? .max
        guard slot.size <= bytesMax else { return }
        while count >= entriesMax || self.bytes + slot.size > bytesMax {
            remove(at: oldest)
            evictions += 1
        }
        add(slot)
    }

    /// Removes an entry of at most this version. Gives whether there was one.
    @discardableResult
    mutating func remove(_ key: CacheKey.LentKey, _ hash: Int, upTo version: Int64 = .max) -> Bool {
        let place = find(key, hash)
        guard place >= 0, slots[Int(place)].version <= version else { return false }
        remove(at: place)
        return true
    }

    /// Removes all entries of at most this version. Gives how many there were.
    mutating func removeAll(upTo version: Int64 = .max) -> Int {
        let before = count
        if version == .max {
            self = CacheTable(entriesMax: entriesMax, bytesMax: bytesMax, idle: idle, evictions: evictions)
            return before
        }
        var place = oldest
        while place >= 0 {
            let next = slots[Int(place)].newer
            if slots[Int(place)].version <= version { remove(at: place) }
            place = next
        }
        return before - count
    }

    /// Keys of entries that have not expired, most recently read first.
    func keys(now: Int64) -> [CacheKey] {
        var keys: [CacheKey] = []
        keys.reserveCapacity(count)
        var place = newest
        while place >= 0 {
            let slot = slots[Int(place)]
            if now < slot.expires, now < slot.idleEnd {
                keys.append(
                    slot.isText
                        ? .text(String(decoding: slot.text, as: UTF8.self)) : .integer(slot.number))
            }
            place = slot.older
        }
        return keys
    }

    private init(entriesMax: Int, bytesMax: Int, idle: Int64?, evictions: Int) {
        self.init(entriesMax: entriesMax, bytesMax: bytesMax, idle: idle)
        self.evictions = evictions
    }

    @inline(__always)
    private func find(_ key: CacheKey.LentKey, _ hash: Int) -> Int32 {
        var place = buckets[hash & (buckets.count - 1)]
        while place >= 0 {
            let index = Int(place)
            if slots[index].hash == hash, isSame(index, key) { return place }
            place = slots[index].next
        }
        return -1
    }

    @inline(__always)
    private func isSame(_ index: Int, _ key: CacheKey.LentKey) -> Bool {
        switch key {
        case .integer(let number): return !slots[index].isText && slots[index].number == number
        case .text(let bytes):
            guard slots[index].isText, slots[index].text.count == bytes.count else { return false }
            return slots[index].text.withUnsafeBytes { stored in
                for place in 0..<bytes.count where stored[place] != bytes[place] { return false }
                return true
            }
        }
    }

    private mutating func add(_ slot: Slot) {
        let place: Int32
        if let reused = free.popLast() {
            place = reused
            slots[Int(place)] = slot
        } else {
            place = Int32(clamping: slots.count)
            slots.append(slot)
        }
        count += 1
        bytes += slot.size
        if count > buckets.count { grow() }
        let bucket = slot.hash & (buckets.count - 1)
        slots[Int(place)].next = buckets[bucket]
        buckets[bucket] = place
        link(place)
    }

    /// Twice the buckets. The entry that is being added is in none of them yet, nor in the order of reads.
    private mutating func grow() {
        buckets = Array(repeating: -1, count: buckets.count * 2)
        var place = newest
        while place >= 0 {
            let bucket = slots[Int(place)].hash & (buckets.count - 1)
            slots[Int(place)].next = buckets[bucket]
            buckets[bucket] = place
            place = slots[Int(place)].older
        }
    }

    private mutating func remove(at place: Int32) {
        let index = Int(place)
        let bucket = slots[index].hash & (buckets.count - 1)
        if buckets[bucket] == place {
            buckets[bucket] = slots[index].next
        } else {
            var before = buckets[bucket]
            while before >= 0, slots[Int(before)].next != place { before = slots[Int(before)].next }
            if before >= 0 { slots[Int(before)].next = slots[index].next }
        }
        unlink(place)
        count -= 1
        bytes -= slots[index].size
        slots[index] = Slot()
        free.append(place)
    }

    private mutating func link(_ place: Int32) {
        slots[Int(place)].older = newest
        slots[Int(place)].newer = -1
        if newest >= 0 { slots[Int(newest)].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int32) {
        let (newer, older) = (slots[Int(place)].newer, slots[Int(place)].older)
        if newer >= 0 { slots[Int(newer)].older = older } else { newest = older }
        if older >= 0 { slots[Int(older)].newer = newer } else { oldest = newer }
    }
}
