package import BalanceCore

/// Finds the experiments of runs and logged models in an SQL database.
package struct SQLAccessObjects: AccessObjects {
    private let database: any SQLDatabase

    package init(database: any SQLDatabase) { self.database = database }

    package func experiment(of reference: ObjectReference) async throws -> String? {
        switch reference {
        case .server, .any, .model: nil
        case .experimentNamed(let name): name
        case .experiment(let id):
            try await name("SELECT name FROM experiment WHERE experiment_id = ?", Int(plain: id).map(SQLValue.integer))
        case .run(let id):
            try await name(
                "SELECT e.name FROM run r JOIN experiment e ON e.experiment_id = r.experiment_id WHERE r.run_id = ?",
                .text(RunID(native: id).stored)
            )
        case .loggedModel(let id):
            try await name(
                "SELECT e.name FROM logged_model l JOIN experiment e ON e.experiment_id = l.experiment_id "
                    + "WHERE l.model_id = ?",
                .text(id)
            )
        }
    }

    private func name(_ sql: String, _ value: SQLValue?) async throws -> String? {
        guard let value else { return nil }
        return try await database.read { try $0.rows(sql, [value]).first?.text(0) }
    }
}
