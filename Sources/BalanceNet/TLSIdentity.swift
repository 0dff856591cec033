import BalanceCore
import Foundation
import NIOCertificateReloading
package import NIOSSL
import Synchronization

/// The certificate and key that this server proves itself by, from two files that can be read again.
///
/// Connections that are open keep what they began with.
package final class TLSIdentity: CertificateReloader {
    private let certificatePath: String
    private let keyPath: String
    private let current: Mutex<Pair>

    private struct Pair: Sendable {
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
        var expires: Int
    }

    /// - Throws: `Failure` with code `invalidArgument` for files that cannot be read, or do not belong together.
    package init(certificate: String, key: String) throws {
        certificatePath = certificate
        keyPath = key
        current = Mutex(try Self.read(certificate, key))
    }

    package var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        let pair = current.withLock { $0 }
        var override = NIOSSLContextConfigurationOverride()
        override.certificateChain = pair.chain
        override.privateKey = pair.key
        return override
    }

    /// When the certificate ends, in seconds since 1970.
    package var expires: Int { current.withLock { $0.expires } }

    /// Reads the files again; what was read before stays where that fails.
    ///
    /// - Throws: `Failure` with code `invalidArgument`.
    package func reload() throws {
        let fresh = try Self.read(certificatePath, keyPath)
        current.withLock { $0 = fresh }
    }

    /// TLS 1.2 and newer; each connection gets what the files held when they were read last.
    package var configuration: TLSConfiguration {
        let pair = current.withLock { $0 }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: pair.chain, privateKey: pair.key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.setCertificateReloader(self)
        return configuration
    }

    private static func read(_ certificate: String, _ key: String) throws -> Pair {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            let privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
            guard let first = chain.first else { throw NIOSSLError.failedToLoadCertificate }
            let pair = Pair(
                chain: chain.map { .certificate($0) },
                key: .privateKey(privateKey),
                expires: Int(first.notValidAfter)
            )
            // Refused here where they do not belong together, not at the first connection.
            _ = try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: pair.chain, privateKey: pair.key)
            )
            return pair
        } catch {
            throw Failure(
                .invalidArgument,
                "cannot use the certificate \(certificate) with the key \(key): \(error)",
                hint:
                    "use PEM files that belong together; the certificate file may hold the chain behind the certificate",
                cause: error
            )
        }
    }
}
