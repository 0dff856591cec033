import BalanceCore
import BalanceStore
import Foundation

/// What is checked by the API, of a server or of files.
struct ServiceDiagnosis {
    let api: any API

    func findings() async throws -> [Doctor.Finding] { [await trail()] + (await models()) }

    private func trail() async -> Doctor.Finding {
        do {
            let report = try await api.value("GET", "/audit/verify")
            let entries = "the audit trail (\(report["lines"]?.integer ?? 0) entries)"
            guard let problem = report["problem"]?["message"]?.string else { return .init(what: entries) }
            return .init(what: entries, problem: problem, remedy: "compare it with a backup or an export")
        } catch {
            return .init(what: "the audit trail", problem: Failure.from(error).message)
        }
    }

    private func models() async -> [Doctor.Finding] {
        do {
            let models = try await api.value("GET", "/models")["items"]?.elements ?? []
            let current = models.filter { $0["slot"]?["current"]?.integer != nil }
            if current.isEmpty { return [.init(what: "models: none is current")] }
            var found: [Doctor.Finding] = []
            for model in current { found.append(try await check(model)) }
            return found
        } catch {
            return [.init(what: "the models", problem: Failure.from(error).message)]
        }
    }

    private func check(_ model: JSONValue) async throws -> Doctor.Finding {
        let name = model["name"]?.string ?? ""
        let version = model["slot"]?["current"]?.integer ?? 0
        let what = "model '\(name)', version \(version)"
        if let problem = model["slot"]?["problem"]?.string {
            return .init(
                what: what,
                problem: "it cannot be served: \(problem)",
                remedy: "balanceops rollback \(name) --reason WHY"
            )
        }
        // The version's own file, which is compared with the registered SHA-256 when it is loaded.
        let answer = try await api.send(APIRequest("GET", "/models/\(name.percentEncoded)/versions/\(version)"))
        guard let failure = answer.failure else { return .init(what: "\(what) serves") }
        return .init(what: what, problem: failure.message, remedy: failure.hint)
    }
}

/// What is checked of a server alone.
struct ServerDiagnosis {
    let client: APIClient

    func findings() async throws -> [Doctor.Finding] {
        let health = try await client.send("GET", "/health")
        var found = [
            Doctor.Finding(
                what: "\(client.baseURL) answers",
                problem: health.isSuccess ? nil : health.failure?.message,
                remedy: health.isSuccess ? nil : "look at the server's log"
            )
        ]
        let ready = try await client.send("GET", "/v2/health/ready")
        let isReady = ready.isSuccess && ready.json?["ready"]?.boolean != false
        found.append(.init(what: "readiness", problem: isReady ? nil : "a current model is not ready"))
        found.append(try await version())
        if let transport { found.append(transport) }
        found.append(try await caller())
        return found
    }

    private func version() async throws -> Doctor.Finding {
        let theirs = try await client.value("GET", "/version")["package"]?["version"]?.string ?? "unknown"
        let isSame = theirs == Build.version
        return .init(
            what: "version \(theirs)",
            problem: isSame ? nil : "this program has version \(Build.version)",
            remedy: isSame ? nil : "install the same version on both sides"
        )
    }

    /// A token over plain HTTP can be read on the way.
    private var transport: Doctor.Finding? {
        let address = URLComponents(string: client.baseURL)
        let host = address?.host ?? ""
        let isLoopback = host == "localhost" || host == "[::1]" || host == "::1" || host.hasPrefix("127.")
        guard address?.scheme == "http", !isLoopback else { return nil }
        return .init(
            what: "the connection",
            problem: "tokens go over plain HTTP",
            remedy: "use an https URL: --tls-cert and --tls-key, or a proxy that speaks TLS"
        )
    }

    private func caller() async throws -> Doctor.Finding {
        let answer = try await client.send("GET", "/me")
        if let name = answer.json?["name"]?.string, answer.isSuccess { return .init(what: "the token is \(name)'s") }
        let hasAccounts = answer.status == 401
        return .init(
            what: hasAccounts ? "accounts" : "no accounts: whoever reaches the server may do everything",
            problem: hasAccounts ? answer.failure?.message : nil,
            remedy: hasAccounts ? "set BALANCEOPS_TOKEN" : nil
        )
    }
}

/// What is checked of the files alone.
struct FilesDiagnosis {
    let workspace: Workspace

    /// Below this many free bytes writes may soon fail.
    private static let little = 1 << 30

    func findings() async throws -> [Doctor.Finding] {
        files() + [await database(), space()].compactMap { $0 } + (try await accounts())
    }

    /// Password hashes, secrets of webhooks and models are in these; nobody else of the machine needs them.
    private func files() -> [Doctor.Finding] {
        let settings = workspace.settings
        let database = settings[.database].text
        return [
            (database, "the database"), (database + "-wal", "the database's log"),
            (Workspace.auditKeyPath(settings), "the key of the audit trail"),
            (settings[.artifacts].text, "the artifacts"), (settings[.tlsKey].text, "the TLS key"),
            (settings[.oidcSecretFile].text, "the secret of single sign-on"),
        ].compactMap { path, name in path.isEmpty ? nil : Self.check(path, name) }
    }

    /// nil where there is no such file.
    private static func check(_ path: String, _ name: String) -> Doctor.Finding? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let mode = status.st_mode & 0o777
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard mode & 0o077 != 0 else { return .init(what: "\(name) (\(path)) is for its owner alone") }
        let wanted = isFolder ? "700" : "600"
        return .init(
            what: "\(name) (\(path))",
            problem: "others can reach it: its mode is \(String(mode, radix: 8))",
            remedy: "chmod \(wanted) \(path)"
        )
    }

    private func database() async -> Doctor.Finding {
        let what = "the database's pages (schema \(SQLiteDatabase.schema))"
        do {
            guard let problem = try await workspace.database.damage() else { return .init(what: what) }
            return .init(what: what, problem: problem, remedy: "restore a backup: balanceops restore --from FOLDER")
        } catch {
            return .init(what: what, problem: Failure.from(error).message)
        }
    }

    private func space() -> Doctor.Finding? {
        let folder = FileSystem.parent(of: workspace.settings[.database].text)
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let free = attributes?[.systemFreeSize] as? Int else { return nil }
        let isLittle = free < Self.little
        return .init(
            what: "\(Plain.size(free)) free on the disk of \(folder)",
            problem: isLittle ? "writes may soon fail" : nil,
            remedy: isLittle ? "balanceops purge --dry-run shows what can be removed" : nil
        )
    }

    private func accounts() async throws -> [Doctor.Finding] {
        let accounts = try await workspace.accounts.accounts()
        guard !accounts.isEmpty else {
            return [.init(what: "no accounts: whoever reaches the server may do everything")]
        }
        let hasAdmin = accounts.contains(where: \.managesAccounts)
        let endless = try await workspace.accounts.tokens(of: nil).filter { $0.revokedAt == nil && $0.expiresAt == nil }
        return [
            .init(
                what: Plain.count(accounts.count, "account"),
                problem: hasAdmin ? nil : "none of them can manage accounts",
                remedy: hasAdmin ? nil : "balanceops users grant NAME admin"
            ),
            .init(
                what: "tokens",
                problem: endless.isEmpty
                    ? nil : "\(endless.count) never expire: \(endless.map(\.id).joined(separator: ", "))",
                remedy: endless.isEmpty ? nil : "balanceops tokens create --days 365, then balanceops tokens revoke ID"
            ),
        ]
    }
}
