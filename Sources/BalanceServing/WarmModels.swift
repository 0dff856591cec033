package import BalanceCore
import Synchronization

/// Keeps the models that were read last in memory, told by their files' digests, so that going back to one takes no
/// reading.
package final class WarmModels: ModelReader {
    private struct Entry {
        var digest: String
        var size: Int
        var model: LoadedModel
    }

    private let reader: any ModelReader
    private let entries = Mutex<[Entry]>([])

    /// How many models are kept, and how large their files may be together.
    private static let maximumCount = 8
    private static let maximumSize = 512 << 20

    package init(reader: any ModelReader) { self.reader = reader }

    package func predictor(from bytes: [UInt8]) throws -> LoadedModel { try reader.predictor(from: bytes) }

    package func manifest(from bytes: [UInt8]) throws -> ModelDescription { try reader.manifest(from: bytes) }

    package func predictor(from bytes: [UInt8], digest: String) throws -> LoadedModel {
        guard !digest.isEmpty else { return try reader.predictor(from: bytes) }
        if let known = known(digest) { return known }
        let model = try reader.predictor(from: bytes)
        entries.withLock { entries in
            entries.removeAll { $0.digest == digest }
            entries.append(Entry(digest: digest, size: bytes.count, model: model))
            while entries.count > Self.maximumCount
                || entries.count > 1 && entries.reduce(0, { $0 + $1.size }) > Self.maximumSize
            {
                entries.removeFirst()
            }
        }
        return model
    }

    /// The model of a digest, which counts as read just now.
    private func known(_ digest: String) -> LoadedModel? {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.digest == digest }) else { return nil }
            let entry = entries.remove(at: index)
            entries.append(entry)
            return entry.model
        }
    }
}
