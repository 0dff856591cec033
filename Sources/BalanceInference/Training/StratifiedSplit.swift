import BalanceCore

/// Splits rows into training and test so that both have the classes in the same proportion.
package enum StratifiedSplit {
    /// Chooses the rows.
    ///
    /// - Parameters:
    ///   - target: 0 or 1 for each row.
    ///   - testSize: The share of the rows to test on, above 0 and below 1; 0 trains and tests on all rows.
    ///   - seed: Determines the choice.
    /// - Returns: Row indices, each list in ascending order.
    /// - Throws: `Failure` with code `trainingFailed` where a class is missing or too small to stand in both parts.
    package static func split(
        _ target: [Int],
        testSize: Double,
        seed: Int
    ) throws -> (train: [Int], test: [Int]) {
        guard testSize >= 0, testSize < 1 else {
            throw Failure(.invalidArgument, "--test-size must be at least 0 and below 1, not \(testSize)")
        }
        var groups = [0, 1].map { label in target.indices.filter { target[$0] == label } }
        for (label, rows) in groups.enumerated() where rows.isEmpty {
            throw Failure(.trainingFailed, "the target has only one class: no row has label \(label)")
        }
        if testSize == 0 { return (Array(target.indices), Array(target.indices)) }
        let testCount = Int((testSize * Double(target.count)).rounded(.up))
        let counts = shares(of: groups.map(\.count), testCount: testCount)
        for (label, rows) in groups.enumerated() where counts[label] < 1 || rows.count - counts[label] < 1 {
            throw Failure(
                .trainingFailed,
                "too few rows (\(target.count)): class \(label) has \(rows.count); training and test need one each",
                hint: "add rows, change --test-size, or train on all rows with --test-size 0"
            )
        }
        var random = SplitMix64(seed: seed)
        for label in groups.indices { groups[label].shuffle(using: &random) }
        let test = zip(groups, counts).flatMap { $0.prefix($1) }.sorted()
        let train = zip(groups, counts).flatMap { $0.dropFirst($1) }.sorted()
        return (train, test)
    }

    /// How many test rows each class gets: its share rounded down, and what is left to the largest remainders.
    private static func shares(of sizes: [Int], testCount: Int) -> [Int] {
        let total = sizes.reduce(0, +)
        var counts = sizes.map { $0 * testCount / total }
        let remainders = sizes.map { $0 * testCount % total }
        let order = sizes.indices.sorted { remainders[$0] > remainders[$1] }
        for index in order.prefix(testCount - counts.reduce(0, +)) { counts[index] += 1 }
        // A class is never left without a test row while another has two.
        for index in counts.indices where counts[index] == 0 && sizes[index] > 1 {
            let other = 1 - index
            if counts[other] > 1 { counts[other] -= 1 }
            counts[index] = 1
        }
        return counts
    }
}
