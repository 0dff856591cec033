import BalanceService
import BalanceCore

/// The JSON schemas that the native API's routes refer to.
enum OpenAPISchemas {
    static let json = JSONValue.object(
        access + [
            ("Health", object([("status", text)])),
            ("Liveness", object([("live", flag)])),
            ("Readiness", object([("name", text), ("ready", flag)], optional: ["name"])),
            ("MLflowError", object([("error_code", text), ("message", text)])),
            ("InferenceError", object([("error", text)])),
            ("Document", .object([("type", "object")])),
            // The bodies of MLflow's routes are described by its own documentation.
            ("MLflowRequest", .object([("type", "object")])),
            ("MLflowAnswer", .object([("type", "object")])),
            ("PredictRequest", object([("features", list(number))])),
            ("PredictResponse", object([("p_win", number)])),
            (
                "Version",
                object(
                    [
                        ("service", text), ("package", anything), ("git", reference("Git")), ("swift", anything),
                        ("platform", anything), ("expected_n_features", nullable("integer")),
                        ("model_type", nullable("string")), ("model_error", text),
                    ],
                    optional: ["git", "swift", "platform", "expected_n_features", "model_type", "model_error"]
                )
            ),
            ("Git", object([("commit", nullable("string")), ("branch", nullable("string")), ("dirty", flag)])),
            (
                "Model",
                object(
                    [
                        ("name", text), ("stage", text), ("run_id", nullable("string")), ("path", text),
                        ("created_at", text), ("metrics_json", nullable("string")),
                    ],
                    optional: ["name", "stage", "run_id", "path", "created_at", "metrics_json"]
                )
            ),
            (
                "RunSummary",
                object(
                    [
                        ("run_id", text), ("created_at", text), ("git", reference("Git")), ("note", nullable("string")),
                        ("kind", nullable("string")), ("metrics", anything), ("run_dir_name", text),
                    ],
                    optional: ["metrics", "run_dir_name"]
                )
            ),
            (
                "RunList",
                object(
                    [
                        ("items", list(reference("RunSummary"))), ("limit", integer), ("offset", integer),
                        ("count", integer),
                        ("total", integer),
                    ],
                    optional: ["total"]
                )
            ),
            (
                "Run",
                object([
                    ("run_id", text), ("created_at", text), ("git", reference("Git")), ("note", nullable("string")),
                    ("params", nullable("object")), ("metrics", anything),
                    ("artifacts", list(object([("kind", text), ("path", text)]))), ("manifest", nullable("object")),
                ])
            ),
            ("ModelList", object([("items", list(anything)), ("count", integer)])),
            (
                "RegisteredModel",
                object([
                    ("name", text), ("description", nullable("string")), ("policy", nullable("string")),
                    ("aliases", anything), ("versions", list(anything)),
                ])
            ),
            (
                "Signature",
                object([
                    ("name", text), ("version", integer), ("model_type", text), ("n_features", integer),
                    ("feature_names", nullable("array")), ("accepts_missing", flag), ("output", text),
                    ("classes", list(.object([]))), ("text_features", list(integer)), ("format", text),
                    ("signature", anything),
                ])
            ),
            (
                "PredictionRequest",
                object(
                    [("features", .object([])), ("instances", list(.object([])))],
                    optional: ["features", "instances"]
                )
            ),
            (
                "Predictions",
                object(
                    [("prediction", anything), ("predictions", list(anything)), ("model", text), ("version", integer)],
                    optional: ["prediction", "predictions"]
                )
            ),
            ("Empty", .object([("type", "object")])),
            ("InferenceServer", object([("name", text), ("version", text), ("extensions", list(text))])),
            ("InferenceIndexRequest", object([("ready", flag)], optional: ["ready"])),
            (
                "InferenceIndex",
                list(object([("name", text), ("version", text), ("state", text), ("reason", text)]))
            ),
            ("InferenceControlRequest", object([("parameters", anything)], optional: ["parameters"])),
            ("InferenceStatistics", object([("model_stats", list(anything))])),
            (
                "InferenceMetadata",
                object([
                    ("name", text), ("versions", list(text)), ("platform", text),
                    ("inputs", list(reference("TensorSpec"))),
                    ("outputs", list(reference("TensorSpec"))),
                ])
            ),
            ("TensorSpec", object([("name", text), ("datatype", text), ("shape", list(integer))])),
            (
                "InferenceConfig",
                object([
                    ("name", text), ("platform", text), ("backend", text), ("max_batch_size", integer),
                    ("input", list(anything)), ("output", list(anything)),
                ])
            ),
            (
                "InferenceRequest",
                object(
                    [("id", text), ("parameters", anything), ("inputs", list(anything)), ("outputs", list(anything))],
                    optional: ["id", "parameters", "outputs"]
                )
            ),
            (
                "InferenceResponse",
                object(
                    [("model_name", text), ("model_version", text), ("id", text), ("outputs", list(anything))],
                    optional: ["id"]
                )
            ),
            (
                "ScoringRequest",
                object(
                    [
                        ("dataframe_split", anything), ("dataframe_records", list(anything)),
                        ("instances", list(.object([]))),
                        ("inputs", .object([])), ("params", anything),
                    ],
                    optional: ["dataframe_split", "dataframe_records", "instances", "inputs", "params"]
                )
            ),
            ("ScoringResponse", object([("predictions", .object([]))])),
            ("Done", object([("ok", flag)])),
            (
                "RunTree",
                object([
                    ("run_id", text), ("name", text), ("status", text), ("experiment_id", text), ("metrics", anything),
                    ("children", list(reference("RunTree"))),
                ])
            ),
            (
                "ExperimentFolder",
                object([
                    ("folder", text), ("folders", list(object([("path", text), ("experiments", integer)]))),
                    ("experiments", list(object([("experiment_id", text), ("name", text), ("created_at", text)]))),
                ])
            ),
            (
                "PurgeRequest",
                object(
                    [
                        ("run_ids", list(text)), ("experiment_ids", list(text)), ("older_than_days", integer),
                        ("dry_run", flag),
                    ],
                    optional: ["run_ids", "experiment_ids", "older_than_days", "dry_run"]
                )
            ),
            (
                "PurgeReport",
                object([
                    ("dry_run", flag), ("experiments", list(object([("experiment_id", text), ("name", text)]))),
                    ("runs", list(text)), ("logged_models", list(text)), ("files", integer), ("bytes", integer),
                    ("kept", list(object([("what", text), ("reason", text)]))),
                ])
            ),
            (
                "Slot",
                object([
                    ("model", text), ("alias", text), ("generation", integer), ("current", nullable("integer")),
                    ("problem", nullable("string")), ("previous", nullable("integer")), ("policy", nullable("string")),
                    ("policy_hash", nullable("string")),
                    ("moved_at", nullable("string")), ("frozen", flag), ("frozen_by", nullable("string")),
                    ("frozen_reason", nullable("string")), ("forced", flag),
                ])
            ),
            ("Series", object([("x", text), ("series", list(anything))])),
            ("SlotHistory", object([("model", text), ("items", list(anything))])),
            (
                "DecisionRequest",
                object(
                    [("version", integer), ("run_id", text), ("policy", text), ("against", text)],
                    optional: ["version", "run_id", "policy", "against"]
                )
            ),
            (
                "Decision",
                object([
                    ("decision", text), ("promotes", flag), ("reason", text), ("policy", text),
                    ("policy_hash", nullable("string")), ("slot", anything), ("candidate", nullable("integer")),
                    ("rules", list(anything)), ("would_promote", flag), ("next", list(text)), ("warnings", list(text)),
                    ("inputs_hash", text), ("decision_hash", text),
                ])
            ),
            (
                "TransitionRequest",
                object(
                    [
                        ("version", integer), ("to", integer), ("reason", text), ("expected_generation", integer),
                        ("allow_any", flag), ("dry_run", flag), ("if_decision", text), ("actor", text),
                    ],
                    optional: ["version", "to", "expected_generation", "allow_any", "dry_run", "if_decision", "actor"]
                )
            ),
            (
                "PromotionRequest",
                object(
                    [
                        ("version", integer), ("run_id", text), ("create", flag), ("reason", text),
                        ("expected_generation", integer), ("allow_any", flag), ("dry_run", flag), ("if_decision", text),
                        ("actor", text),
                    ],
                    optional: [
                        "version", "run_id", "create", "reason", "expected_generation", "allow_any", "dry_run",
                        "if_decision", "actor",
                    ]
                )
            ),
            (
                "Explanation",
                object([
                    ("slot", reference("Slot")), ("because", nullable("object")), ("contradiction", nullable("string")),
                ])
            ),
            (
                "AuditVerifyRequest",
                object(
                    [("heads", list(anything)), ("public_keys", list(text))],
                    optional: ["heads", "public_keys"]
                )
            ),
            (
                "Transition",
                object([
                    ("ok", flag), ("kind", text), ("model", text), ("from_version", nullable("integer")),
                    ("to_version", nullable("integer")), ("generation", integer), ("noop", flag),
                    ("audit_seq", integer),
                    ("decision", reference("Decision")), ("slot", reference("Slot")),
                ])
            ),
            (
                "GovernanceRequest",
                object(
                    [("reason", text), ("actor", text), ("expected_generation", integer)],
                    optional: ["reason", "actor", "expected_generation"]
                )
            ),
            ("Governed", anything),
            ("PolicyText", object([("text", text), ("actor", text)], optional: ["actor"])),
            (
                "PolicyCheck",
                object([
                    ("ok", flag), ("name", text), ("hash", text), ("document", anything), ("warnings", list(text)),
                ])
            ),
            (
                "Policy",
                object(
                    [
                        ("name", text), ("version", integer), ("hash", text), ("text", text), ("document", anything),
                        ("created_at", text), ("actor", text), ("warnings", list(text)),
                    ],
                    // A model that is bound to none answers an empty object.
                    optional: ["name", "version", "hash", "text", "document", "created_at", "actor", "warnings"]
                )
            ),
            (
                "PolicyMistakes",
                object([("ok", flag), ("mistakes", list(anything)), ("warnings", list(text))], optional: ["warnings"])
            ),
            (
                "RollbackPlan",
                object([
                    ("slot", reference("Slot")), ("from_version", nullable("integer")),
                    ("to_version", integer),
                    ("digest", nullable("string")), ("metrics", anything), ("served_since", nullable("string")),
                    ("served_by", nullable("string")), ("advice", reference("Decision")),
                ])
            ),
            ("PolicyList", object([("items", list(reference("Policy"))), ("count", integer)])),
            (
                "PolicyBinding",
                object(
                    [("policy", text), ("version", integer), ("text", text), ("reason", text), ("actor", text)],
                    optional: ["policy", "version", "text", "reason", "actor"]
                )
            ),
            ("AuditLine", anything),
            ("AuditList", object([("items", list(anything)), ("count", integer)])),
            (
                "AuditHead",
                object([
                    ("seq", integer), ("hash", text), ("signature", nullable("string")), ("public_key", text),
                    ("key", text),
                ])
            ),
            (
                "AuditReport",
                object([
                    ("ok", flag), ("lines", integer), ("signatures", integer), ("heads", integer),
                    ("head", nullable("object")),
                    ("problem", nullable("object")),
                ])
            ),
            (
                "AuditReplay",
                object([("seq", integer), ("same", flag), ("recorded", anything), ("again", reference("Decision"))])
            ),
            (
                "WebhookRequest",
                object(
                    [("url", text), ("format", text), ("secret", text), ("model", text), ("actions", list(text))],
                    optional: ["format", "secret", "model", "actions"]
                )
            ),
            (
                "Webhook",
                object(
                    [
                        ("id", text), ("url", text), ("format", text), ("model", nullable("string")),
                        ("actions", list(text)), ("active", flag), ("created_at", text), ("secret", text),
                    ],
                    optional: ["secret"]
                )
            ),
            ("WebhookList", object([("items", list(reference("Webhook"))), ("count", integer)])),
            ("DeliveryList", object([("items", list(anything)), ("count", integer)])),
            (
                "WebhookProbe",
                object([
                    ("delivered", flag), ("status_class", nullable("string")), ("milliseconds", integer),
                    ("error", nullable("string")),
                ])
            ),
            (
                "Error",
                object([
                    ("ok", flag),
                    (
                        "error",
                        object(
                            [("code", codes), ("message", text), ("hint", text), ("details", .object([]))],
                            optional: ["hint", "details"]
                        )
                    ),
                    ("request_id", text),
                ])
            ),
        ]
    )

    static let text = JSONValue.object([("type", "string")])
    static let number = JSONValue.object([("type", "number")])
    static let integer = JSONValue.object([("type", "integer")])
    static let flag = JSONValue.object([("type", "boolean")])
    static let anything = JSONValue.object([("type", "object")])
    private static let codes = JSONValue.object([
        ("type", "string"), ("enum", .strings(Failure.Code.allCases.map(\.rawValue))),
    ])

    static func list(_ items: JSONValue) -> JSONValue { .object([("type", "array"), ("items", items)]) }

    static func nullable(_ type: String) -> JSONValue { .object([("type", .strings([type, "null"]))]) }

    static func reference(_ name: String) -> JSONValue {
        .object([("$ref", .string("#/components/schemas/\(name)"))])
    }

    static func object(_ properties: [(String, JSONValue)], optional: Set<String> = []) -> JSONValue {
        let required = properties.map(\.0).filter { !optional.contains($0) }
        return .object([
            ("type", "object"), ("properties", .object(properties)), ("required", .strings(required)),
        ])
    }
}
