/// The attributes of linear models and other models without trees.
extension KnownAttributes {
    static let linear: [String: KnownAttributes] = [
        "sklearn.calibration.CalibratedClassifierCV": KnownAttributes(
            read: "calibrated_classifiers_ classes_ method",
            fitting: "base_estimator cv ensemble estimator"
        ),
        "sklearn.calibration._CalibratedClassifier": KnownAttributes(
            read: "base_estimator calibrators classes estimator method"
        ),
        "sklearn.calibration._SigmoidCalibration": KnownAttributes(
            read: "a_ b_"
        ),
        "sklearn.isotonic.IsotonicRegression": KnownAttributes(
            read: "X_max_ X_min_ X_thresholds_ out_of_bounds y_thresholds_",
            contained: "increasing increasing_ y_max y_min"
        ),
        "sklearn.linear_model._base.LinearRegression": KnownAttributes(
            read: "coef_ intercept_",
            fitting: "positive rank_ singular_ tol",
            contained: "fit_intercept normalize"
        ),
        "sklearn.linear_model._coordinate_descent.ElasticNet": coordinateDescent,
        "sklearn.linear_model._coordinate_descent.Lasso": coordinateDescent,
        "sklearn.linear_model._logistic.LogisticRegression": KnownAttributes(
            read: "classes_ coef_ intercept_ multi_class solver",
            fitting: "C class_weight dual intercept_scaling l1_ratio max_iter penalty tol",
            record: "n_iter_",
            contained: "fit_intercept"
        ),
        "sklearn.linear_model._ridge.Ridge": KnownAttributes(
            read: "coef_ intercept_",
            fitting: "alpha max_iter positive solver solver_ tol",
            record: "n_iter_",
            contained: "_normalize fit_intercept normalize"
        ),
        "sklearn.linear_model._ridge.RidgeClassifier": KnownAttributes(
            read: "_label_binarizer classes_ coef_ intercept_",
            fitting: "alpha class_weight max_iter positive solver solver_ tol",
            record: "n_iter_",
            contained: "_normalize fit_intercept normalize"
        ),
        "sklearn.linear_model._stochastic_gradient.SGDClassifier": KnownAttributes(
            read: "classes_ coef_ intercept_ loss",
            fitting: "C alpha class_weight early_stopping epsilon l1_ratio max_iter n_iter_no_change penalty tol "
                + "validation_fraction",
            record: "n_iter_",
            contained: "_average_coef _average_intercept _expanded_class_weight _loss_function_ _standard_coef "
                + "_standard_intercept average eta0 fit_intercept learning_rate loss_function_ power_t shuffle t_"
        ),
        "sklearn.linear_model._stochastic_gradient.SGDRegressor": KnownAttributes(
            read: "coef_ intercept_",
            fitting: "C alpha early_stopping epsilon l1_ratio loss max_iter n_iter_no_change penalty tol "
                + "validation_fraction",
            record: "n_iter_",
            contained: "_average_coef _average_intercept _standard_coef _standard_intercept average eta0 fit_intercept "
                + "learning_rate power_t shuffle t_"
        ),
        "sklearn.naive_bayes.GaussianNB": KnownAttributes(
            read: "class_prior_ classes_ theta_ var_",
            contained: "class_count_ epsilon_ priors var_smoothing"
        ),
        "sklearn.neighbors._classification.KNeighborsClassifier": KnownAttributes(
            read: "_fit_X _y classes_ effective_metric_ effective_metric_params_ metric n_neighbors outputs_2d_ p "
                + "weights",
            form: "_fit_method _tree algorithm leaf_size n_samples_fit_ radius",
            contained: "metric_params"
        ),
        "sklearn.neighbors._regression.KNeighborsRegressor": KnownAttributes(
            read: "_fit_X _y effective_metric_ effective_metric_params_ metric n_neighbors p weights",
            form: "_fit_method _tree algorithm leaf_size n_samples_fit_ radius",
            contained: "metric_params"
        ),
        "sklearn.neural_network._multilayer_perceptron.MLPClassifier": KnownAttributes(
            read: "_label_binarizer activation classes_ coefs_ intercepts_ n_outputs_ out_activation_",
            fitting: "_best_coefs _best_intercepts _coef_indptr _intercept_indptr _no_improvement_count _optimizer "
                + "_random_state alpha batch_size best_loss_ best_validation_score_ beta_1 beta_2 early_stopping "
                + "epsilon hidden_layer_sizes learning_rate learning_rate_init loss loss_ loss_curve_ max_fun "
                + "max_iter momentum n_iter_no_change n_layers_ nesterovs_momentum power_t shuffle solver t_ tol "
                + "validation_fraction validation_scores_",
            record: "n_iter_"
        ),
        "sklearn.neural_network._multilayer_perceptron.MLPRegressor": KnownAttributes(
            read: "activation coefs_ intercepts_ loss n_outputs_ out_activation_",
            fitting: "_best_coefs _best_intercepts _coef_indptr _intercept_indptr _no_improvement_count _optimizer "
                + "_random_state alpha batch_size best_loss_ best_validation_score_ beta_1 beta_2 early_stopping "
                + "epsilon hidden_layer_sizes learning_rate learning_rate_init loss_ loss_curve_ max_fun max_iter "
                + "momentum n_iter_no_change n_layers_ nesterovs_momentum power_t shuffle solver t_ tol "
                + "validation_fraction validation_scores_",
            record: "n_iter_"
        ),
        "sklearn.svm._classes.LinearSVC": KnownAttributes(
            read: "classes_ coef_ intercept_",
            fitting: "C class_weight dual intercept_scaling loss max_iter penalty tol",
            record: "n_iter_",
            contained: "fit_intercept multi_class"
        ),
        "sklearn.svm._classes.LinearSVR": KnownAttributes(
            read: "coef_ intercept_",
            fitting: "C dual epsilon intercept_scaling loss max_iter tol",
            record: "n_iter_",
            contained: "fit_intercept"
        ),
    ]

    private static let coordinateDescent = KnownAttributes(
        read: "coef_ intercept_",
        fitting: "alpha dual_gap_ l1_ratio max_iter positive precompute selection tol",
        record: "n_iter_",
        contained: "fit_intercept normalize"
    )
}
