import Glibc

/// The C library's allocator, asked to keep less memory that nobody uses.
///
/// Its functions are looked up by name, as the Swift overlay has no declarations of them and another C
/// library may not
/// have them; then nothing happens.
enum Allocator {
    /// Lets all threads share two arenas rather than eight per processor, as memory lies idle in each; and
    /// lets large
    /// blocks always go back to the system when they are freed. Left alone, the allocator raises that
    /// threshold as soon as
    /// one is freed, and keeps the 16 MiB that the check of a password takes. Called before there are
    /// threads.
    static func keepLess() {
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)
        let arenasMax: CInt = -8  // M_ARENA_MAX in malloc.h
        let mappingThreshold: CInt = -3  // M_MMAP_THRESHOLD
        let trimThreshold: CInt = -1  // M_TRIM_THRESHOLD
        _ = mallopt(arenasMax, 2)
        // A clone frees and takes a buffer per portion: giving each back to the system costs a page fault
        // per page.
        _ = mallopt(trimThreshold, 8 << 20)
        _ = mallopt(mappingThreshold, 1 << 20)
    }

    /// Gives back what the start needed and nobody will need again.
    static func returnUnused() {
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        let trim = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)
        _ = trim(0)
    }
}
