extension SettingTable {
    static let clusterNodeName = Setting(
        "cluster.node.name", .text, nil, "This node's name for people. Default: the machine's name.")
    static let clusterNodeAddress = Setting(
        "cluster.node.address", .text, nil,
        "The name or address by which other machines reach this one. Default: `server.address` where that "
            + "names "
            + "one, else the machine's name.")
    static let clusterLease = Setting(
        "cluster.lease", .seconds(2...60), "10",
        "How long a silent node is waited for before the others take over what it held. "
            + "The same on all nodes."
    )

    static let cluster = [clusterNodeName, clusterNodeAddress, clusterLease]
}
