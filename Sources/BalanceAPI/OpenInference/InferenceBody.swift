import BalanceService
import BalanceCore

/// The body of an inference request: a JSON head, and behind it the bytes of the inputs that are binary.
struct InferenceBody: Sendable {
    /// An output that is wanted.
    struct Output {
        var name: String
        /// Whether it is to come back as binary data; nil: as the request says for all.
        var isBinary: Bool?
    }

    let request: InferenceRequest
    let id: String?
    /// The outputs that are wanted; empty: all.
    let outputs: [Output]
    /// Whether all outputs are to come back as binary data.
    let isBinary: Bool

    /// `headLength` is the length of the JSON head, where the request has the header for it.
    ///
    /// - Throws: `Failure` with code `invalidParameter` that names what is wrong.
    init(_ bytes: [UInt8], headLength: Int?) throws {
        let length = headLength ?? bytes.count
        guard (0...bytes.count).contains(length) else {
            throw Self.refusal("Inference-Header-Content-Length is \(length), but the body has \(bytes.count) bytes")
        }
        let head: JSONValue
        do {
            // Clients in Python write the word NaN for a number that is missing.
            head = try JSONValue(parsing: Array(bytes[..<length]), allowsNonFinite: true, refusesRepeatedNames: true)
        } catch {
            throw Self.refusal("the request is not valid JSON: \(error.message) at byte \(error.offset)")
        }
        guard head.members != nil else { throw Self.refusal("the request must be a JSON object") }
        guard let inputs = head["inputs"]?.elements else { throw Self.refusal("missing list 'inputs' in the request") }
        guard !inputs.isEmpty else { throw Self.refusal("'inputs' is empty") }
        var binary = BinaryInputs(bytes: bytes[length...])
        let tensors = try inputs.map { try Self.input($0, &binary) }
        guard binary.rest == 0 else {
            throw Self.refusal("\(binary.rest) unused bytes after the binary inputs")
        }
        if let id = head["id"], id.string == nil { throw Self.refusal("'id' must be a string") }
        if let parameters = head["parameters"], parameters.members == nil {
            throw Self.refusal("'parameters' must be an object")
        }
        id = head["id"]?.string
        isBinary = head["parameters"]?["binary_data_output"]?.boolean ?? false
        outputs = try (head["outputs"].map { try Self.list($0, "outputs") } ?? []).map(Self.output)
        request = InferenceRequest(inputs: tensors, outputs: outputs.map(\.name))
    }

    /// Whether an output is to come back as binary data.
    func isBinary(_ name: String) -> Bool { outputs.first { $0.name == name }?.isBinary ?? isBinary }

    private static func list(_ value: JSONValue, _ name: String) throws -> [JSONValue] {
        guard let elements = value.elements else { throw refusal("'\(name)' must be a list") }
        return elements
    }

    private static func input(_ json: JSONValue, _ binary: inout BinaryInputs) throws -> Tensor {
        guard let name = json["name"]?.string else { throw refusal("missing 'name' of an input") }
        guard let typeName = json["datatype"]?.string, let type = TensorType(rawValue: typeName) else {
            let names = TensorType.allCases.map(\.rawValue).joined(separator: ", ")
            throw refusal("invalid 'datatype' of input '\(name)': use one of \(names)")
        }
        guard let shape = json["shape"]?.elements?.map(\.integer), !shape.contains(nil) else {
            throw refusal("'shape' of input '\(name)' must be a list of integers")
        }
        let lengths = shape.compactMap { $0 }
        try refuseSharedMemory(json, "input '\(name)'")
        if let size = json["parameters"]?["binary_data_size"] {
            guard json["data"] == nil else { throw refusal("input '\(name)' has both 'data' and binary data") }
            guard let size = size.integer, size >= 0 else {
                throw refusal("invalid binary_data_size of input '\(name)'")
            }
            return try RawTensor.tensor(name, type, lengths, binary.take(size, name))
        }
        guard let data = json["data"] else { throw refusal("input '\(name)' has no data: send 'data' or binary data") }
        return try TensorJSON.tensor(name, type, lengths, data)
    }

    private static func output(_ json: JSONValue) throws -> Output {
        guard let name = json["name"]?.string else { throw refusal("missing 'name' of a requested output") }
        try refuseSharedMemory(json, "output '\(name)'")
        if let count = json["parameters"]?["classification"]?.integer, count > 0 {
            throw refusal("output '\(name)': the extension 'classification' is not supported; request the tensor")
        }
        return Output(name: name, isBinary: json["parameters"]?["binary_data"]?.boolean)
    }

    private static func refuseSharedMemory(_ json: JSONValue, _ what: String) throws {
        guard json["parameters"]?["shared_memory_region"] == nil else {
            throw refusal("\(what) uses shared memory, an extension that is not supported; send the data")
        }
    }

    private static func refusal(_ message: String) -> Failure { Failure(.invalidParameter, message) }
}

/// The bytes behind the JSON head, taken input by input.
private struct BinaryInputs {
    private var bytes: ArraySlice<UInt8>

    init(bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    var rest: Int { bytes.count }

    mutating func take(_ size: Int, _ name: String) throws -> [UInt8] {
        guard size <= bytes.count else {
            throw Failure(
                .invalidParameter,
                "input '\(name)' requires \(size) bytes of binary data, but \(bytes.count) are left"
            )
        }
        defer { bytes = bytes.dropFirst(size) }
        return Array(bytes.prefix(size))
    }
}
