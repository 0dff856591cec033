import BalanceCore
import Crypto
import CryptoExtras
import Foundation

/// The hash of a password: scrypt (RFC 7914) with its parameters, as `scrypt$15$8$1$SALT$HASH` in base64.
struct PasswordHash {
    /// What a hash costs: 2^`rounds` times 128 · `blockSize` bytes of memory.
    struct Cost: Equatable {
        var rounds: Int
        var blockSize = 8
        var parallelism = 1

        /// 32 MiB; BoringSSL refuses more than 65 MiB.
        static let standard = Cost(rounds: 15)
    }

    let cost: Cost
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// Hashes a password with fresh salt.
    init(of password: String, cost: Cost = .standard) throws {
        var generator = SystemRandomNumberGenerator()
        salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        self.cost = cost
        hash = try Self.derive(password, salt, cost)
    }

    /// A hash as it is kept; nil for any other text.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let block = Int(parts[2]),
            let parallelism = Int(parts[3]), (10...16).contains(rounds), (1...16).contains(block),
            (1...4).contains(parallelism), let salt = Data(base64Encoded: parts[4]),
            let hash = Data(base64Encoded: parts[5]), hash.count == 32
        else { return nil }
        cost = Cost(rounds: rounds, blockSize: block, parallelism: parallelism)
        self.salt = Array(salt)
        self.hash = Array(hash)
    }

    var text: String {
        let parameters = "\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)"
        return "scrypt$\(parameters)$\(Data(salt).base64EncodedString())$\(Data(hash).base64EncodedString())"
    }

    /// Whether it is the hash of a password; takes as long either way.
    func matches(_ password: String) -> Bool {
        guard let found = try? Self.derive(password, salt, cost), found.count == hash.count else { return false }
        return zip(found, hash).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func derive(_ password: String, _ salt: [UInt8], _ cost: Cost) throws -> [UInt8] {
        // Two ways to write one letter are one password.
        let text = Data(password.precomposedStringWithCanonicalMapping.utf8)
        let key = try KDF.Scrypt.deriveKey(
            from: text,
            salt: salt,
            outputByteCount: 32,
            rounds: 1 << cost.rounds,
            blockSize: cost.blockSize,
            parallelism: cost.parallelism
        )
        return key.withUnsafeBytes { Array($0) }
    }
}

/// What a password must be.
enum PasswordRules {
    private static let length = 12...256
    /// What people take where twelve characters are asked for.
    private static let common = [
        "password", "passwort", "qwertyuiop", "letmein", "iloveyou", "welcome", "administrator", "admin", "balanceops",
        "changeme", "abcdefghijkl", "비밀번호",
    ]

    /// - Throws: `Failure` with code `invalidParameter`.
    static func check(_ password: String, of name: String) throws {
        func refuse(_ reason: String) -> Failure {
            Failure(.invalidParameter, "invalid password: \(reason)", hint: "use a sentence, or a password manager")
        }
        guard length.contains(password.unicodeScalars.count) else {
            throw refuse("it must have \(length.lowerBound) to \(length.upperBound) characters")
        }
        let letters = String(password.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic })
        let isCommon = common.contains { letters == $0 || letters == $0 + $0 }
        let isRun = Set(password.unicodeScalars).count < 4 || "01234567890123456789".contains(password)
        let rest = password.lowercased().replacing(name, with: "")
        guard !isCommon, !isRun, rest.count == password.count || rest.count >= 8 else {
            throw refuse("it is among the first that are guessed")
        }
    }
}
