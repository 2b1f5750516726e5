/// Where host calls that went wrong are counted and logged.
struct HostCallReport: Sendable {
    /// A plugin called a function without the permission for it, at this place in its code.
    let permissionDenied:
        @Sendable (_ function: String, _ permission: HostPermission, _ position: String?) -> Void
    /// A function could not do its work, for a reason of the host's.
    let failed: @Sendable (_ function: String, _ error: any Error) -> Void
}
