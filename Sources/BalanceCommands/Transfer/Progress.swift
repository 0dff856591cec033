import Foundation
import Synchronization

/// A bar on standard error, where that is a terminal; else a line now and then.
final class Progress: Sendable {
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let done = Mutex(0)

    /// - Parameter total: How many steps there will be; 0 where that is not known.
    init(total: Int) { self.total = total }

    func step() {
        let count = done.withLock { done in
            done += 1
            return done
        }
        // A server does not say how many runs it has.
        let every = total == 0 ? 100 : isTerminal ? max(1, total / 200) : max(1, total / 10)
        if count % every == 0 || count == total { show(count) }
    }

    /// Leaves the bar's line.
    func end() {
        if isTerminal, done.withLock({ $0 }) > 0 { FileHandle.standardError.write(Data("\n".utf8)) }
    }

    private func show(_ count: Int) {
        let text = total == 0 ? "\(count) runs" : "\(count) of \(total) runs"
        guard isTerminal else { return Output.note("[..] \(text)") }
        let filled = total == 0 ? 0 : min(30, 30 * count / total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        FileHandle.standardError.write(Data("\r[\(bar)] \(text)".utf8))
    }
}

/// A count on standard error for what takes longer than a second, where that is a terminal.
final class CountProgress: Sendable {
    private let noun: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex((count: 0, shown: ContinuousClock.now, isShown: false))

    init(_ noun: String) { self.noun = noun }

    func step() {
        guard isTerminal else { return }
        let text = state.withLock { state -> String? in
            state.count += 1
            guard state.shown.duration(to: .now) > (state.isShown ? .milliseconds(100) : .seconds(1)) else {
                return nil
            }
            (state.shown, state.isShown) = (.now, true)
            return "\r\(state.count) \(noun)"
        }
        if let text { FileHandle.standardError.write(Data(text.utf8)) }
    }

    /// Clears the line.
    func end() {
        if state.withLock({ $0.isShown }) { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}
