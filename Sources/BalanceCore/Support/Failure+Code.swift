extension Failure {
    /// The kinds of failure that BalanceOps tells apart; the raw value is `error.code` in the native API.
    package enum Code: String, Sendable, CaseIterable {
        case runNotFound = "RUN_NOT_FOUND"
        case noModelArtifact = "NO_MODEL_ARTIFACT"
        case modelFileMissing = "MODEL_FILE_MISSING"
        case modelNotReadable = "MODEL_NOT_READABLE"
        case noCurrentModel = "NO_CURRENT_MODEL"
        case currentModelLoadFailed = "CURRENT_MODEL_LOAD_FAILED"
        case featureSizeMismatch = "FEATURE_SIZE_MISMATCH"
        case validation = "VALIDATION_ERROR"
        case invalidArgument = "INVALID_ARGUMENT"
        case modelUnloaded = "MODEL_UNLOADED"
        case mediaTypeNotSupported = "MEDIA_TYPE_NOT_SUPPORTED"
        case modelInUse = "MODEL_IN_USE"
        case promotionRefused = "PROMOTION_REFUSED"
        case promotionHeld = "PROMOTION_HELD"
        case generationConflict = "GENERATION_CONFLICT"
        case generationRequired = "GENERATION_REQUIRED"
        case decisionChanged = "DECISION_CHANGED"
        case idempotencyMismatch = "IDEMPOTENCY_MISMATCH"
        case modelFrozen = "MODEL_FROZEN"
        case versionQuarantined = "VERSION_QUARANTINED"
        case nothingToRollBackTo = "NOTHING_TO_ROLL_BACK_TO"
        case policyInvalid = "POLICY_INVALID"
        case auditBroken = "AUDIT_BROKEN"
        case urlNotAllowed = "URL_NOT_ALLOWED"
        case artifactDamaged = "ARTIFACT_DAMAGED"
        case resourceNotFound = "RESOURCE_DOES_NOT_EXIST"
        case alreadyExists = "RESOURCE_ALREADY_EXISTS"
        case invalidParameter = "INVALID_PARAMETER_VALUE"
        case notImplemented = "NOT_IMPLEMENTED"
        case originNotAllowed = "ORIGIN_NOT_ALLOWED"
        case readOnly = "READ_ONLY"
        case unauthenticated = "UNAUTHENTICATED"
        case permissionDenied = "PERMISSION_DENIED"
        case actorMismatch = "ACTOR_MISMATCH"
        case tooManyAttempts = "TOO_MANY_ATTEMPTS"
        case formExpired = "FORM_EXPIRED"
        case notFound = "NOT_FOUND"
        case methodNotAllowed = "METHOD_NOT_ALLOWED"
        case hostNotAllowed = "HOST_NOT_ALLOWED"
        case bodyTooLarge = "BODY_TOO_LARGE"
        case fileNotFound = "FILE_NOT_FOUND"
        case fileNotWritable = "FILE_NOT_WRITABLE"
        case datasetInvalid = "DATASET_INVALID"
        case trainingFailed = "TRAINING_FAILED"
        case databaseNotOurs = "DATABASE_NOT_OURS"
        case databaseUnreadable = "DATABASE_UNREADABLE"
        case schemaTooNew = "SCHEMA_TOO_NEW"
        case storageFull = "STORAGE_FULL"
        case storageLost = "STORAGE_LOST"
        case folderInUse = "FOLDER_IN_USE"
        case unavailable = "UNAVAILABLE"
        case addressInUse = "ADDRESS_IN_USE"
        case toolMissing = "TOOL_MISSING"
        case internalError = "INTERNAL_ERROR"
    }
}

extension Failure.Code {
    /// What one code means to each kind of caller.
    package struct Row: Sendable {
        /// The HTTP status of the answer.
        package var status: Int
        /// `error_code` on MLflow's wire.
        package var mlflow: String
        /// The exit status of a command.
        package var exit: Int32
    }

    /// The statuses of the code.
    ///
    /// gRPC's codes and the scoring protocol's statuses are derived from the HTTP status.
    package var row: Row {
        switch self {
        case .runNotFound: Row(status: 404, mlflow: "RESOURCE_DOES_NOT_EXIST", exit: 2)
        case .noModelArtifact: Row(status: 409, mlflow: "INVALID_STATE", exit: 3)
        case .modelFileMissing: Row(status: 409, mlflow: "INVALID_STATE", exit: 4)
        case .modelNotReadable: Row(status: 409, mlflow: "INVALID_STATE", exit: 5)
        case .noCurrentModel: Row(status: 404, mlflow: "RESOURCE_DOES_NOT_EXIST", exit: 1)
        case .currentModelLoadFailed: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 1)
        case .featureSizeMismatch: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .validation: Row(status: 422, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .invalidArgument: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 64)
        case .modelUnloaded: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 1)
        case .mediaTypeNotSupported: Row(status: 415, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .modelInUse: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 1)
        case .promotionRefused: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 3)
        case .promotionHeld: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 6)
        case .generationConflict: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 7)
        case .generationRequired: Row(status: 428, mlflow: "INVALID_PARAMETER_VALUE", exit: 64)
        case .decisionChanged: Row(status: 412, mlflow: "RESOURCE_CONFLICT", exit: 7)
        case .idempotencyMismatch: Row(status: 422, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .modelFrozen: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 8)
        case .versionQuarantined: Row(status: 409, mlflow: "RESOURCE_CONFLICT", exit: 3)
        case .nothingToRollBackTo: Row(status: 409, mlflow: "INVALID_STATE", exit: 1)
        case .policyInvalid: Row(status: 422, mlflow: "INVALID_PARAMETER_VALUE", exit: 65)
        case .auditBroken: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 1)
        case .urlNotAllowed: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .artifactDamaged: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 74)
        case .resourceNotFound: Row(status: 404, mlflow: "RESOURCE_DOES_NOT_EXIST", exit: 1)
        case .alreadyExists: Row(status: 400, mlflow: "RESOURCE_ALREADY_EXISTS", exit: 1)
        case .invalidParameter: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .notImplemented: Row(status: 501, mlflow: "NOT_IMPLEMENTED", exit: 1)
        case .originNotAllowed: Row(status: 403, mlflow: "PERMISSION_DENIED", exit: 1)
        case .readOnly: Row(status: 403, mlflow: "PERMISSION_DENIED", exit: 1)
        case .unauthenticated: Row(status: 401, mlflow: "UNAUTHENTICATED", exit: 77)
        case .permissionDenied: Row(status: 403, mlflow: "PERMISSION_DENIED", exit: 77)
        case .actorMismatch: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .tooManyAttempts: Row(status: 429, mlflow: "REQUEST_LIMIT_EXCEEDED", exit: 1)
        case .formExpired: Row(status: 403, mlflow: "PERMISSION_DENIED", exit: 1)
        case .notFound: Row(status: 404, mlflow: "ENDPOINT_NOT_FOUND", exit: 1)
        case .methodNotAllowed: Row(status: 405, mlflow: "ENDPOINT_NOT_FOUND", exit: 1)
        case .hostNotAllowed: Row(status: 403, mlflow: "PERMISSION_DENIED", exit: 1)
        case .bodyTooLarge: Row(status: 413, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .fileNotFound: Row(status: 404, mlflow: "RESOURCE_DOES_NOT_EXIST", exit: 1)
        case .fileNotWritable: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 73)
        case .datasetInvalid: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .trainingFailed: Row(status: 400, mlflow: "INVALID_PARAMETER_VALUE", exit: 1)
        case .databaseNotOurs: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 78)
        case .databaseUnreadable: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 74)
        case .schemaTooNew: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 78)
        case .storageFull: Row(status: 507, mlflow: "RESOURCE_EXHAUSTED", exit: 74)
        case .storageLost: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 74)
        case .folderInUse: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 73)
        case .unavailable: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 1)
        case .addressInUse: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 69)
        case .toolMissing: Row(status: 503, mlflow: "TEMPORARILY_UNAVAILABLE", exit: 2)
        case .internalError: Row(status: 500, mlflow: "INTERNAL_ERROR", exit: 70)
        }
    }
}
