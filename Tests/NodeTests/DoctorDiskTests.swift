import Foundation
import Hosting
import NodeTestKit
import Testing

@testable import Node

/// What `perigee mirror doctor` says of disks, on real ones that fill up.
@Suite struct DoctorDiskTests {
    @Test(.enabled("needs root, to mount a small disk") { await MountedDisk.isAvailable(.memory) })
    func `a disk that fills up is a warning and then a problem`() async throws {
        let directory = try TemporaryDirectory("disk")
        let disk = try await MountedDisk.make(.memory, megabytes: 64, at: "home/shared", in: directory)
        let layout = HomeLayout(home: directory.path("home"))
        func finding() throws -> DoctorFinding {
            try #require(DiskSpaceCheck.run(layout).first { $0.check == "disk" })
        }
        let empty = try finding()
        #expect(empty.result == .ok && empty.advice == nil)
        #expect(empty.text.hasPrefix("64.0 MiB of 64.0 MiB (100 %) are free on the disk of \(disk.path)"))
        try Data(count: 60 << 20).write(to: URL(fileURLWithPath: disk.path + "/large"))
        let scarce = try finding()
        #expect(scarce.result == .warning && scarce.advice != nil)
        #expect(scarce.text.contains("4.0 MiB of 64.0 MiB (6 %)"), "\(scarce.text)")
        try disk.fill()
        let full = try finding()
        #expect(full.result == .problem && full.text.contains("0 B of 64.0 MiB (0 %)"), "\(full.text)")
        try disk.free()
        try FileManager.default.removeItem(atPath: disk.path + "/large")
        #expect(try finding().result == .ok)
        try await disk.unmount()
    }

    @Test(.enabled("needs root, to mount a small disk") { await MountedDisk.isAvailable(.journaled) })
    func `inodes run out, too`() async throws {
        let directory = try TemporaryDirectory("disk")
        let disk = try await MountedDisk.make(.journaled, megabytes: 8, at: "home", in: directory)
        let layout = HomeLayout(home: disk.path)
        func result() throws -> DoctorFinding.Result {
            try #require(DiskSpaceCheck.run(layout).first { $0.check == "disk inodes" }).result
        }
        #expect(try result() == .ok)
        var results: [DoctorFinding.Result] = []
        for number in 0..<100_000 {
            guard FileManager.default.createFile(atPath: "\(disk.path)/\(number)", contents: nil) else {
                break
            }
            let result = try result()
            if result != results.last { results.append(result) }
        }
        #expect(results == [.ok, .warning, .problem])
        try await disk.unmount()
    }

    @Test func `a large disk needs no tenth of it to be free`() throws {
        let tebibyte: UInt64 = 1 << 40
        func result(_ free: UInt64, _ total: UInt64) -> DoctorFinding.Result {
            DiskSpaceCheck.judge(space: DiskSpaceCheck.Room(free: free, total: total), of: "/").result
        }
        #expect(result(tebibyte / 40, 10 * tebibyte) == .ok)
        #expect(result(tebibyte / 100, 10 * tebibyte) == .warning)
        #expect(result(tebibyte / 2_000, 10 * tebibyte) == .problem)
        // File systems that make inodes as they need them tell of none.
        #expect(DiskSpaceCheck.judge(inodes: DiskSpaceCheck.Room(free: 0, total: 0), of: "/") == nil)
    }

    @Test func `a home that is not there yet is looked at where it will be`() throws {
        let directory = try TemporaryDirectory("disk")
        let findings = DiskSpaceCheck.run(HomeLayout(home: directory.path("not/there")))
        #expect(findings.first?.check == "disk" && findings.first?.result != .skipped)
        #expect(findings.first?.text.contains("the disk of \(directory.path).") == true)
    }
}
