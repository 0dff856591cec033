import BalanceCore
import BalanceInference
import Testing

struct LinearModelFileTests {
    let file: LinearModelFile

    init() throws { file = try DummyTrainer.train(seed: 3, samples: 50, features: 4).model }

    @Test func `a file that was written answers as before`() throws {
        let loaded = try ModelFormats().predictor(from: file.bytes)
        let golden = try #require(loaded.golden)
        #expect(try loaded.predictor.outputs(golden.features)[1] == golden.probability)
        #expect(loaded.predictor.modelType == "DummyBalanceModel")
        #expect(loaded.predictor.featureNames == ["f1", "f2", "f3", "f4"])
        #expect(loaded.format == "balanceops-linear/1")
    }

    @Test func `a file that is cut or changed anywhere is refused`() {
        let bytes = file.bytes
        for length in stride(from: 0, to: bytes.count - 2, by: 37) {
            #expect(throws: Failure.self) { try ModelFormats().predictor(from: Array(bytes[..<length])) }
        }
        for index in bytes.indices.dropLast() {
            var changed = bytes
            changed[index] ^= 0x01
            guard let loaded = try? ModelFormats().predictor(from: changed) else { continue }
            let golden = loaded.golden
            #expect(golden == file.golden, "a change at byte \(index) went unseen")
        }
    }

    @Test(arguments: [
        ("", "is empty"), ("GIF8", "begins with 47 49 46 38"), ("{}", "has no 'format'"),
        (#"{"format":"x"}"#, "of the format 'x'"),
    ])
    func `another file is refused with what it is`(text: String, message: String) {
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: Array(text.utf8)) }
        #expect(failure?.code == .modelNotReadable)
        #expect(failure?.message.contains(message) == true)
    }
}
