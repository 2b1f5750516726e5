/// What a plugin's files may be at most.
enum PackageLimits {
    static let filesMax = 1_000
    static let bytesMax = 16 * 1024 * 1024
    static let luaFileBytesMax = 256 * 1024
}
