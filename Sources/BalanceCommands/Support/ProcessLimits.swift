import Foundation

/// What the system allows this process.
enum ProcessLimits {
    /// More descriptors than this are not asked for: children that close every one of them would take long.
    private static let most: rlim_t = 65_536

    /// Lets the process have as many descriptors as it may, and says how many; to be called before anything is opened.
    static func raiseDescriptors() -> Int {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(min(limit.rlim_cur, rlim_t(Int32.max)))
    }

    /// What SIGHUP means: the end where a terminal goes away; nothing where there is none.
    ///
    /// - Returns: Whether it is to stop the server.
    static func hangupStops() -> Bool {
        if isatty(STDIN_FILENO) == 1 || isatty(STDERR_FILENO) == 1 { return !isHangupIgnored }
        signal(SIGHUP, SIG_IGN)
        return false
    }

    /// As `nohup` leaves it.
    private static var isHangupIgnored: Bool {
        let before = signal(SIGHUP, SIG_IGN)
        defer { signal(SIGHUP, before) }
        return unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
