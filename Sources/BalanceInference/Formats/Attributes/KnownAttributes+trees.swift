/// The attributes of trees, ensembles of them, and the wrappers of boosting libraries.
extension KnownAttributes {
    static let trees: [String: KnownAttributes] = [
        "lightgbm.sklearn.LGBMClassifier": lightGBM,
        "lightgbm.sklearn.LGBMRegressor": lightGBM,
        "sklearn.dummy.DummyClassifier": KnownAttributes(
            read: "class_prior_ strategy",
            fitting: "_strategy classes_ constant n_classes_ n_outputs_ sparse_output_"
        ),
        "sklearn.dummy.DummyRegressor": KnownAttributes(
            read: "constant_",
            contained: "constant n_outputs_ quantile strategy"
        ),
        "sklearn.ensemble._forest.ExtraTreesClassifier": classifyingForest,
        "sklearn.ensemble._forest.ExtraTreesRegressor": regressingForest,
        "sklearn.ensemble._forest.RandomForestClassifier": classifyingForest,
        "sklearn.ensemble._forest.RandomForestRegressor": regressingForest,
        "sklearn.ensemble._gb.GradientBoostingClassifier": KnownAttributes(
            read: "_loss classes_ estimators_ init init_ learning_rate loss",
            fitting: "_n_classes _rng alpha ccp_alpha criterion max_depth max_features max_features_ max_leaf_nodes "
                + "min_impurity_decrease min_samples_leaf min_samples_split min_weight_fraction_leaf n_classes_ "
                + "n_estimators n_estimators_ n_iter_no_change n_trees_per_iteration_ oob_improvement_ oob_score_ "
                + "oob_scores_ subsample tol train_score_ validation_fraction"
        ),
        "sklearn.ensemble._gb.GradientBoostingRegressor": KnownAttributes(
            read: "_loss estimators_ init init_ learning_rate loss",
            fitting: "_rng alpha ccp_alpha criterion max_depth max_features max_features_ max_leaf_nodes "
                + "min_impurity_decrease min_samples_leaf min_samples_split min_weight_fraction_leaf n_estimators "
                + "n_estimators_ n_iter_no_change n_trees_per_iteration_ oob_improvement_ oob_score_ oob_scores_ "
                + "subsample tol train_score_ validation_fraction"
        ),
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper": KnownAttributes(
            read: "bin_thresholds_ is_categorical_",
            fitting: "is_categorical known_categories missing_values_bin_idx_ n_bins n_bins_non_missing_ n_threads "
                + "subsample"
        ),
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier": KnownAttributes(
            read: "_baseline_prediction _bin_mapper _is_categorical_remapped _predictors _preprocessor classes_ "
                + "is_categorical_ loss",
            fitting: "_feature_subsample_rng _label_encoder _loss _n_features _random_seed _raw_predict _scorer "
                + "_use_validation_data categorical_features class_weight do_early_stopping_ early_stopping "
                + "interaction_cst l2_regularization learning_rate max_bins max_depth max_features max_iter "
                + "max_leaf_nodes min_samples_leaf monotonic_cst n_iter_no_change n_trees_per_iteration_ scoring "
                + "tol train_score_ validation_fraction validation_score_"
        ),
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor": KnownAttributes(
            read: "_baseline_prediction _bin_mapper _is_categorical_remapped _predictors _preprocessor "
                + "is_categorical_ loss",
            fitting: "_feature_subsample_rng _loss _n_features _random_seed _raw_predict _scorer _use_validation_data "
                + "categorical_features do_early_stopping_ early_stopping interaction_cst l2_regularization "
                + "learning_rate max_bins max_depth max_features max_iter max_leaf_nodes min_samples_leaf "
                + "monotonic_cst n_iter_no_change n_trees_per_iteration_ quantile scoring tol train_score_ "
                + "validation_fraction validation_score_"
        ),
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": KnownAttributes(
            read: "nodes raw_left_cat_bitsets",
            record: "binned_left_cat_bitsets"
        ),
        "sklearn.ensemble._iforest.IsolationForest": KnownAttributes(
            read: "_max_samples estimators_ estimators_features_ max_samples_ offset_",
            fitting: "_max_features _n_samples _sample_weight _seeds base_estimator base_estimator_ bootstrap "
                + "bootstrap_features contamination estimator estimator_ estimator_params max_features max_samples "
                + "n_estimators oob_score",
            record: "_average_path_length_per_tree _decision_path_lengths"
        ),
        "sklearn.tree._classes.DecisionTreeClassifier": classifyingTree,
        "sklearn.tree._classes.DecisionTreeRegressor": regressingTree,
        "sklearn.tree._classes.ExtraTreeClassifier": classifyingTree,
        "sklearn.tree._classes.ExtraTreeRegressor": regressingTree,
        "sklearn.tree._tree.Tree": KnownAttributes(
            read: "nodes values",
            record: "max_depth node_count"
        ),
        "xgboost.sklearn.XGBClassifier": xgboost,
        "xgboost.sklearn.XGBRFClassifier": xgboost,
        "xgboost.sklearn.XGBRFRegressor": xgboost,
        "xgboost.sklearn.XGBRegressor": xgboost,
    ]

    private static let lightGBM = KnownAttributes(
        read: "_Booster _best_iteration _classes _fitted_with_feature_names _other_params",
        fitting: "_class_weight boosting_type class_weight colsample_bytree learning_rate max_depth "
            + "min_child_samples min_child_weight min_split_gain n_estimators num_leaves reg_alpha reg_lambda "
            + "subsample subsample_for_bin subsample_freq",
        record: "_best_score _evals_result fitted_",
        form: "importance_type silent",
        contained: "_class_map _fobj _le _n_classes _n_features _n_features_in _objective objective"
    )

    private static let classifyingForest = KnownAttributes(
        read: "classes_ criterion estimators_ monotonic_cst n_outputs_",
        fitting: "_n_samples _n_samples_bootstrap _sample_weight base_estimator base_estimator_ bootstrap "
            + "ccp_alpha class_weight estimator estimator_ estimator_params max_depth max_features "
            + "max_leaf_nodes max_samples min_impurity_decrease min_samples_leaf min_samples_split "
            + "min_weight_fraction_leaf n_classes_ n_estimators oob_decision_function_ oob_score oob_score_"
    )

    private static let regressingForest = KnownAttributes(
        read: "criterion estimators_ monotonic_cst n_outputs_",
        fitting: "_n_samples _n_samples_bootstrap _sample_weight base_estimator base_estimator_ bootstrap "
            + "ccp_alpha class_weight estimator estimator_ estimator_params max_depth max_features "
            + "max_leaf_nodes max_samples min_impurity_decrease min_samples_leaf min_samples_split "
            + "min_weight_fraction_leaf n_estimators oob_prediction_ oob_score oob_score_"
    )

    private static let classifyingTree = KnownAttributes(
        read: "classes_ criterion monotonic_cst n_outputs_ splitter tree_",
        fitting: "ccp_alpha class_weight max_depth max_features max_features_ max_leaf_nodes min_impurity_decrease "
            + "min_samples_leaf min_samples_split min_weight_fraction_leaf n_classes_"
    )

    private static let regressingTree = KnownAttributes(
        read: "criterion monotonic_cst n_outputs_ splitter tree_",
        fitting: "ccp_alpha class_weight max_depth max_features max_features_ max_leaf_nodes min_impurity_decrease "
            + "min_samples_leaf min_samples_split min_weight_fraction_leaf"
    )

    private static let xgboost = KnownAttributes(
        read: "_Booster missing",
        fitting: "base_score booster callbacks colsample_bylevel colsample_bynode colsample_bytree device "
            + "early_stopping_rounds enable_categorical eval_metric feature_types feature_weights gamma gpu_id "
            + "grow_policy interaction_constraints kwargs learning_rate max_bin max_cat_threshold "
            + "max_cat_to_onehot max_delta_step max_depth max_leaves min_child_weight monotone_constraints "
            + "multi_strategy n_estimators num_parallel_tree reg_alpha reg_lambda sampling_method "
            + "scale_pos_weight subsample tree_method use_label_encoder validate_parameters",
        record: "best_iteration best_ntree_limit best_score evals_result_",
        form: "importance_type predictor verbosity",
        contained: "_le classes_ n_classes_ objective"
    )
}
