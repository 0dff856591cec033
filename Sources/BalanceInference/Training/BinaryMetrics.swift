package import BalanceCore

/// What a binary classifier is judged by, at the threshold 0.5.
package enum BinaryMetrics {
    /// `acc`, `bal_acc` (the mean of the two recalls) and `recall_1`; a class without rows counts as recall 0.
    package static func evaluate(target: [Int], probabilities: [Double]) -> [Metric] {
        var counts = [[0, 0], [0, 0]]
        for (label, probability) in zip(target, probabilities) { counts[label][probability >= 0.5 ? 1 : 0] += 1 }
        let total = max(1, target.count)
        let recall = (0...1).map { Double(counts[$0][$0]) / Double(max(1, counts[$0][0] + counts[$0][1])) }
        return [
            Metric("acc", Double(counts[0][0] + counts[1][1]) / Double(total)),
            Metric("bal_acc", 0.5 * (recall[1] + recall[0])),
            Metric("recall_1", recall[1]),
        ]
    }
}
