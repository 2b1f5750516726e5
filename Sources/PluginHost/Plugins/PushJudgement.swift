/// What the plugins say about a push.
package enum PushJudgement: Sendable, Hashable {
    /// No plugin objects.
    case accept
    /// This plugin refuses it, with the text for the git client.
    case refuse(pluginID: String, text: String)
}
