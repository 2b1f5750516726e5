internal import Hosting
internal import Portable

extension CatalogueEntry {
    /// So many new repositories are stored at a time; others write in between.
    static let batchMax = 250

    /// Entries in the portions that they are stored in.
    ///
    /// Those whose address changes come first and all at once, as addresses may change places: each has its
    /// former or its new one at any time.
    /// - Parameter local: What is here.
    static func batches(_ entries: [CatalogueEntry], local: [Repository]) -> [[CatalogueEntry]] {
        guard entries.count > batchMax else { return entries.isEmpty ? [] : [entries] }
        let known = Dictionary(local.map { ($0.id, $0) }) { first, _ in first }
        var moving: [CatalogueEntry] = []
        var rest: [CatalogueEntry] = []
        for entry in entries {
            let wanted = entry.repository
            if let now = known[wanted.id], now.slug != wanted.slug || now.project.id != wanted.project {
                moving.append(entry)
            } else {
                rest.append(entry)
            }
        }
        let portions = stride(from: 0, to: rest.count, by: batchMax).map {
            Array(rest[$0...].prefix(batchMax))
        }
        return moving.isEmpty ? portions : [moving] + portions
    }
}
