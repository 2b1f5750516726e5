import Testing

@testable import ClusterServices

@Suite struct JobScheduleTests {
    @Test(arguments: [
        "every 900000", "every 900000 after 0", "every 900000 at 1795000000000", "once 1795000000000",
        "cron Europe/Berlin 30 2 * * *", "cron UTC 0 0 12 ? * 6#3",
    ])
    func `a stored schedule is read back as it was`(text: String) {
        #expect(JobSchedule(stored: text)?.description == text)
    }

    @Test(arguments: [
        "", "every", "every x", "every 1", "every 900000 on 3", "cron Mars/Olympus * * * * *", "once -1",
    ])
    func `what no schedule stores is not read`(text: String) {
        #expect(JobSchedule(stored: text) == nil)
    }
}
