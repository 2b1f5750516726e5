import Portable

extension ChaosHistory {
    /// What was seen and must not be, in words.
    /// - Parameter delivered: What the plugin keeps of each bucket: the last number of each stream.
    func violations(delivered: [PortableValue]) -> [String] {
        complaints + brokenGrants + brokenFences + brokenCounts + brokenRuns + lostTasks(delivered)
            + sharedBuckets + staleReads
    }

    /// Two that hold a lock at a time, and tokens that do not grow.
    private var brokenGrants: [String] {
        grants.flatMap { lock, grants -> [String] in
            var problems: [String] = []
            // Of the others the holder was told only after they were over.
            let sorted = grants.filter { $0.to > 0 }.sorted { ($0.from, $0.token) < ($1.from, $1.token) }
            var last: Grant?
            for grant in sorted {
                defer { if (last.map { $0.to < grant.to }) ?? true { last = grant } }
                guard let last, grant.from < last.to, grant.to >= grant.from else { continue }
                problems.append("lock \(lock): \(grant) is held while \(last) is")
            }
            for (earlier, later) in zip(sorted, sorted.dropFirst()) where later.token <= earlier.token {
                // Within one millisecond nobody knows which one was first.
                guard later.from > earlier.from || later.token == earlier.token else { continue }
                problems.append("lock \(lock): \(later) has no greater token than \(earlier)")
            }
            return problems
        }
    }

    /// Writes that were accepted although one with a greater token had been before.
    private var brokenFences: [String] {
        lateWrites.flatMap { lock, writes -> [String] in
            let claims = claims[lock, default: []].sorted { $0.at < $1.at }
            var greatest: [(at: Int, token: Int)] = []
            for claim in claims where claim.token > greatest.last?.token ?? .min {
                greatest.append((claim.at, claim.token))
            }
            return writes.filter { $0.outcome == "accepted" }.compactMap { write in
                guard let before = greatest.last(where: { $0.at < write.at }), before.token > write.token
                else {
                    return nil
                }
                return "lock \(lock): \(write) was accepted after token \(before.token)"
            }
        }
    }

    /// Who counts under a lock must see what those before have written.
    private var brokenCounts: [String] {
        counts.flatMap { lock, counts -> [String] in
            let accepted = counts.filter { $0.outcome == "accepted" }.sorted { $0.token < $1.token }
            return zip(accepted, accepted.dropFirst()).compactMap { earlier, later in
                guard later.at <= earlier.at else { return nil }
                return "lock \(lock): \(later) has not seen what \(earlier) wrote"
            }
        }
    }

    /// Values of caches that are older than a change of more than 3 s ago.
    private var staleReads: [String] {
        reads.flatMap { key, reads -> [String] in
            let changes = changes[key, default: []].sorted { $0.at < $1.at }
            let reads = reads.sorted { $0.at < $1.at }
            var problems: [String] = []
            var (greatest, next) = (0, 0)
            for read in reads {
                while next < changes.count, changes[next].at + 3_000 < read.at {
                    greatest = max(greatest, changes[next].version)
                    next += 1
                }
                guard read.version < greatest, uncertain[key]?.contains(read.version) != true else {
                    continue
                }
                problems.append("cache \(key): \(read) was read after \(greatest) had been stored")
            }
            return problems
        }
    }

    /// A time that ran twice, and tokens that do not grow.
    private var brokenRuns: [String] {
        var problems: [String] = []
        for (fire, runs) in Dictionary(grouping: runs, by: \.fire) where runs.count > 1 {
            let attempts = runs.map(\.attempt)
            let isRecovered = runs.allSatisfy { $0.attempt == 1 || $0.why == "recovered" }
            guard Set(attempts).count < attempts.count || !isRecovered else { continue }
            problems.append("the job ran more than once for \(fire): \(runs)")
        }
        let sorted = runs.sorted { $0.token < $1.token }
        for (earlier, later) in zip(sorted, sorted.dropFirst()) {
            guard later.token == earlier.token || later.fire < earlier.fire else { continue }
            problems.append("the job's tokens do not grow: \(earlier), \(later)")
        }
        return problems
    }

    /// Tasks that were acknowledged and never delivered.
    private func lostTasks(_ delivered: [PortableValue]) -> [String] {
        var last: [String: Int] = [:]
        for entry in delivered {
            let bucket = entry["key"]?.stringValue?.split(separator: "/").last ?? ""
            guard case .map(let streams)? = entry["value"] else { continue }
            for (stream, number) in streams { last["\(stream) \(bucket)"] = Int(number.integerValue ?? 0) }
        }
        return sent.compactMap { key, number in
            guard number > last[key] ?? 0 else { return nil }
            return "task \(number) of \(key) was acknowledged; \(last[key] ?? 0) was the last to be delivered"
        }
    }

    /// Two that work on a bucket at a time, both of which could still commit.
    private var sharedBuckets: [String] {
        work.flatMap { bucket, work -> [String] in
            // Who lost its lease in the meantime may have been replaced; what it has done since is refused.
            let certain = work.filter { item in
                !losses[item.node, default: []].contains { $0 >= item.from && $0 <= item.to + 1_000 }
            }
            let sorted = certain.sorted { $0.from < $1.from }
            return zip(sorted, sorted.dropFirst()).compactMap { earlier, later in
                guard later.from < earlier.to else { return nil }
                return "bucket \(bucket): \(later) while \(earlier)"
            }
        }
    }

    /// How much there is of all that, in a line.
    var summary: String {
        let count = { (list: [Int: [Write]], outcome: String) in
            list.values.reduce(0) { $0 + $1.filter { $0.outcome == outcome }.count }
        }
        return "\(grants.values.reduce(0) { $0 + $1.count }) lock grants, "
            + "\(count(claims, "accepted") + count(counts, "accepted")) fenced writes accepted, "
            + "\(count(lateWrites, "refused")) with old tokens refused, \(runs.count) job runs "
            + "(\(runs.filter { $0.attempt > 1 }.count) recovered), \(sentCount) tasks in "
            + "\(work.values.reduce(0) { $0 + $1.count }) batches, "
            + "\(changes.values.reduce(0) { $0 + $1.count }) changes and "
            + "\(reads.values.reduce(0) { $0 + $1.count }) reads of caches, "
            + "\(losses.values.reduce(0) { $0 + $1.count }) leases lost"
    }
}
