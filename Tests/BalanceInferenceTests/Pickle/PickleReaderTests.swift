import BalanceCore
import BalanceInference
import Testing

/// The pickles are written by hand, opcode by opcode; files of the real libraries are tested under Tests/clients.
struct PickleReaderTests {
    /// `{"model": DummyBalanceModel(seed=1, w=array([1.0, 2.0]), b=0.5)}` as joblib writes it.
    static func dummy(module: String = "balanceops.models.dummy", name: String = "DummyBalanceModel") -> [UInt8] {
        var bytes: [UInt8] = [0x80, 4]
        bytes += [0x7D] + text("model") + text(module) + text(name) + [0x93, 0x29, 0x81]
        bytes += [0x7D, 0x28] + text("seed") + [0x4B, 1] + text("w") + array([1, 2])
        bytes += text("b") + [0x47] + bigEndian(0.5) + [0x75, 0x62, 0x73, 0x2E]
        return bytes
    }

    private static func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + text.utf8 }

    private static func bigEndian(_ number: Double) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: number.bitPattern >> ($0 * 8)) }
    }

    private static func array(_ values: [Double]) -> [UInt8] {
        var bytes = text("joblib.numpy_pickle") + text("NumpyArrayWrapper") + [0x93, 0x29, 0x81, 0x7D, 0x28]
        bytes += text("shape") + [0x4B, UInt8(values.count), 0x85] + text("order") + text("C") + text("dtype")
        bytes += text("numpy") + text("dtype") + [0x93] + text("f8") + [0x89, 0x88, 0x87, 0x52]
        bytes += [0x28, 0x4B, 3] + text("<") + [0x4E, 0x4E, 0x4E, 0x4B, 0, 0x4B, 0, 0x4B, 0, 0x74, 0x62]
        bytes += text("numpy_array_alignment_bytes") + [0x4B, 16, 0x75, 0x62]
        bytes += [3, 0xFF, 0xFF, 0xFF]
        for value in values { bytes += bigEndian(value).reversed() }
        return bytes
    }

    @Test func `the original's model is read and answers as in Python`() throws {
        let loaded = try ModelFormats().predictor(from: Self.dummy())
        #expect(loaded.predictor.modelType == "DummyBalanceModel")
        #expect(loaded.predictor.featureCount == 8)
        // 1 / (1 + exp(-(1*0.1 + 2*0.2 + 0.5))) in Python.
        let answer = try loaded.predictor.outputs([0.1, 0.2, 0, 0, 0, 0, 0, 0])[1]
        #expect(abs(answer - 0.7310585786300049) < 1e-15)
    }

    @Test(arguments: [
        ("os", "system"), ("builtins", "eval"), ("posix", "system"), ("subprocess", "Popen"), ("numpy", "load"),
        ("balanceops.models.dummy", "Other"), ("joblib", "load"),
    ])
    func `a global that is not on the list is refused by its name`(module: String, name: String) {
        let failure = #expect(throws: Failure.self) {
            try ModelFormats().predictor(from: Self.dummy(module: module, name: name))
        }
        #expect(failure?.code == .modelNotReadable)
        #expect(failure?.message.contains("'\(module).\(name)'") == true)
    }

    @Test func `every cut and every changed bit is answered or refused`() {
        let bytes = Self.dummy()
        for length in 0..<bytes.count {
            #expect(throws: Failure.self) { try ModelFormats().predictor(from: Array(bytes[..<length])) }
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                _ = try? ModelFormats().predictor(from: changed)
            }
        }
    }

    @Test(
        arguments: [
            [0x80, 2, 0x2E], [0x80, 4, 0x62, 0x2E], [0x80, 4, 0x52, 0x2E], [0x80, 4, 0x65, 0x2E],
            [0x80, 4, 0x68, 9, 0x2E],
            [0x80, 4, 0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x80, 4, 0x8B, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x80, 5, 0x97, 0x2E], [0x80, 4, 0x51, 0x2E], [0x80, 4, 0x4E, 0x2E], [0x80, 4, 0x5D, 0x2E],
            [0x80, 4, 0x7D, 0x2E],
            [0x80, 2, 0x63, 0x6F, 0x73, 0x0A, 0x73, 0x79, 0x73, 0x74, 0x65, 0x6D, 0x0A, 0x29, 0x52, 0x2E],
            [0x80, 4, 0x5D, 0x94, 0x68, 0, 0x61, 0x2E],
        ] as [[UInt8]]
    )
    func `a stream that makes no sense is refused`(bytes: [UInt8]) {
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: bytes) }
        #expect(failure?.code == .modelNotReadable)
    }

    @Test func `a million nested tuples are refused without using up the stack`() {
        let bytes = [0x80, 4, 0x29] + [UInt8](repeating: 0x85, count: 1_000_000) + [0x2E]
        #expect(throws: Failure.self) { try ModelFormats().predictor(from: bytes) }
    }

    @Test(arguments: [
        // An object that is its own state; a chain of dtypes U0; a text that is copied over and over.
        Array("\u{2}csklearn.linear_model._logistic\nLogisticRegression\n)".utf8) + [
            0x81, 0x71, 0, 0x68, 0, 0x62, 0x2E,
        ],
        Array("\u{2}cnumpy\ndtype\n".utf8) + [0x8C, 2] + Array("U0".utf8) + [0x85, 0x52, 0x2E],
    ])
    func `a file that refers to itself is refused`(rest: [UInt8]) {
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: [0x80] + rest) }
        #expect(failure?.code == .modelNotReadable)
    }

    @Test func `a text that is copied over and over is refused before memory runs out`() {
        let text = [UInt8](repeating: 0x61, count: 1 << 20)
        var bytes: [UInt8] =
            [0x80, 2] + Array("c_codecs\nencode\n".utf8) + [0x71, 0, 0x58, 0, 0, 0x10, 0] + text + [0x71, 1]
        for _ in 0..<2000 { bytes += [0x68, 0, 0x68, 1, 0x85, 0x52, 0x30] }
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: bytes + [0x4E, 0x2E]) }
        #expect(failure?.message.contains("more work than its size allows") == true)
    }

    @Test(arguments: [UInt8(0x28), 0x32])
    func `a stack that only grows is refused`(opcode: UInt8) {
        let bytes = [0x80, 2, 0x4E] + [UInt8](repeating: opcode, count: 4_100_000) + [0x2E]
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: bytes) }
        #expect(failure?.message.contains("more than 4000000 objects") == true)
    }

    @Test func `more objects than a model needs are refused`() {
        let bytes = [0x80, 4, 0x28] + [UInt8](repeating: 0x5D, count: 4_100_000) + [0x2E]
        let failure = #expect(throws: Failure.self) { try ModelFormats().predictor(from: bytes) }
        #expect(failure?.message.contains("more than 4000000 objects") == true)
    }
}
