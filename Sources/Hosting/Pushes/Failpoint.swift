#if DEBUG
import Glibc
#endif

/// Places at which a test can hold a push, or a mirror, up, to kill the node there. They exist in debug
/// builds alone.
///
/// A file `NAME` in the folder `run/failpoints` of the home holds up whoever comes to the place of this name,
/// until the file has gone; that somebody waits shows by a file `NAME.reached`.
package enum Failpoint: String {
    /// The guards have accepted and the journal says so; objects and refs are as they were.
    case intended = "push-intended"
    /// The objects are part of the repository; refs are as they were.
    case migrated = "push-migrated"
    /// Refs have moved; the journal does not say so yet.
    case moved = "push-moved"
    /// All has been written down; the client does not know.
    case confirmed = "push-confirmed"
    /// A mirror has stored rows of repositories; their folders are not made yet.
    case mirrorRows = "mirror-rows"
    /// Their folders are made; that it has taken them over is not noted yet.
    case mirrorFolders = "mirror-folders"
    /// A mirror that compares has been told what there is; nothing of it is taken over yet.
    case mirrorCatalogue = "mirror-catalogue"

    /// Waits here if a test wants it.
    package func pass(_ layout: HomeLayout) async {
        #if DEBUG
        let path = "\(layout.run)/failpoints/\(rawValue)"
        guard access(path, F_OK) == 0 else { return }
        let descriptor = open(path + ".reached", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        while access(path, F_OK) == 0 { try? await Task.sleep(for: .milliseconds(5)) }
        #endif
    }
}
