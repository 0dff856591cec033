import BalanceCore

/// The wrappers of XGBoost and LightGBM for scikit-learn, whose pickles hold the booster's own file.
extension EstimatorConverter {
    static let boosters: [String: ToModel] = {
        var models: [String: ToModel] = [
            "lightgbm.sklearn.LGBMClassifier": { try lightGBM($0) },
            "lightgbm.sklearn.LGBMRegressor": { try lightGBM($0) },
        ]
        for name in ["XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"] {
            models["xgboost.sklearn.\(name)"] = { try xgboost($0) }
        }
        return models
    }()

    private static func xgboost(_ view: ObjectView) throws -> any RowModel {
        guard let booster = view["_Booster"], case .bytes(let bytes)? = booster["handle"]?.node else {
            throw refusal("a \(view.kind) that was not fitted")
        }
        let file = try UBJSON.parse(bytes)
        let json = file["Model"] ?? file
        let best = json["learner"]?["attributes"]?["best_iteration"]?.string.flatMap { Int($0) }
        var model = try XGBoostModel.read(json, bestRound: best).model
        model.acceptsInfinite = true
        if let missing = view["missing"]?.double { model.missing = Float(missing) }
        let isClassifier = view.kind.hasSuffix("Classifier")
        let objective = json["learner"]?["objective"]?["name"]?.string ?? ""
        switch (isClassifier, objective) {
        case (false, "binary:logistic"): model.classes = []
        case (true, "reg:logistic"): model.classes = ["0", "1"]
        case (true, _) where model.classes.isEmpty, (false, _) where !model.classes.isEmpty:
            throw refusal("a \(view.kind) with the objective '\(objective)'")
        default: break
        }
        return model
    }

    private static func lightGBM(_ view: ObjectView) throws -> any RowModel {
        guard let booster = view["_Booster"], let text = (booster["_handle"] ?? booster["handle"])?.string else {
            throw refusal("a \(view.kind) that was not fitted")
        }
        let rounds = (view["_best_iteration"] ?? booster["best_iteration"])?.integer ?? 0
        var model = try LightGBMModel.read(text, rounds: rounds > 0 ? rounds : nil).model
        guard view.kind.hasSuffix("Classifier") else {
            guard model.base.count == 1 else { throw refusal("a \(view.kind) with several outputs") }
            model.classes = []
            return model
        }
        guard !model.classes.isEmpty else { throw refusal("a \(view.kind) with an objective without classes") }
        guard let labels = view["_classes"]?.labels, labels.count == model.classes.count else {
            throw refusal("a \(view.kind) with unreadable labels")
        }
        model.classes = labels
        return model
    }
}
