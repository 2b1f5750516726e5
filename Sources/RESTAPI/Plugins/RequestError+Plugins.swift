import HTTPServing
import HTTPTypes
import PluginHost
import Portable

extension RequestError {
    /// The answer to something that the plugin host refused.
    init(_ error: PluginHostError) {
        let (status, field): (HTTPResponse.Status, String?) =
            switch error {
            case .noSuchPlugin: (.notFound, nil)
            case .noSettings: (.badRequest, nil)
            case .invalidSettings(_, let key, _): (.badRequest, key)
            case .loadFailed, .stopped, .quarantined, .notQuarantined: (.conflict, nil)
            case .timeLimit: (.serviceUnavailable, nil)
            }
        let clause = "\(error)"
        self.init(status, clause.prefix(1).uppercased() + clause.dropFirst(), field: field)
    }

    /// 404 for a plugin that is not installed, with the one that was perhaps meant.
    init(noPlugin id: String, among plugins: [PluginSummary]) {
        self.init(.noSuchPlugin(id: Excerpt.of(id), nearest: Nearest.match(id, among: plugins.map(\.id))))
    }
}
