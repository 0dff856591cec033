/// The names that a model file may ask for; all others are refused before anything else is read.
enum PickleGlobals {
    /// How joblib marks an array whose bytes follow in the stream.
    static let arrayWrapper = "joblib.numpy_pickle.NumpyArrayWrapper"

    /// How pandas 3 keeps an array of texts.
    static let textArray = "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked"

    static func isAllowed(_ name: String) -> Bool { aliases[name] != nil || allowed.contains(name) }

    /// The one name that the rest of the code knows for something that moved between versions.
    static func canonical(_ name: String) -> String { aliases[name] ?? name }

    private static let allowed = basics.union(estimators.flatMap { module, names in names.map { "\(module).\($0)" } })
        .union(losses)

    /// The compiled losses, each as a class and as the function that makes it; scikit-learn 1.5 to 1.8 calls their module `_loss`.
    private static let losses = [
        "HalfSquaredError", "AbsoluteError", "PinballLoss", "HuberLoss", "HalfPoissonLoss", "HalfGammaLoss",
        "HalfTweedieLoss", "HalfTweedieLossIdentity", "HalfBinomialLoss", "HalfMultinomialLoss", "ExponentialLoss",
    ].flatMap { name in
        ["sklearn._loss._loss", "_loss"].flatMap { ["\($0).Cy\(name)", "\($0).__pyx_unpickle_Cy\(name)"] }
    }

    private static let basics: Set<String> = [
        arrayWrapper, textArray, "_codecs.encode", "collections.OrderedDict", "numpy.dtype", "numpy.ndarray",
        "copyreg._reconstructor", "builtins.object", "builtins.bytes", "builtins.bytearray", "builtins.slice",
        "builtins.dict", "collections.defaultdict", "numpy.float64", "numpy.float32", "numpy.int64", "numpy.bool",
        "numpy.bool_", "balanceops.models.dummy.DummyBalanceModel",
        // The state of random numbers, which estimators keep and nothing here looks at.
        "numpy.random._mt19937.MT19937", "numpy.random._pcg64.PCG64", "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor", "numpy.random._pickle.__randomstate_ctor",
        "numpy.random.bit_generator.SeedSequence", "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "numpy.random.mtrand.RandomState",
    ]

    /// Classes by their modules: the estimators that can be served, and what they keep of themselves.
    private static let estimators: KeyValuePairs<String, [String]> = [
        "sklearn.pipeline": ["Pipeline"],
        // How a model with early stopping was scored in training.
        "sklearn.metrics._scorer": ["_Scorer", "_PredictScorer", "_ProbaScorer", "_ThresholdScorer"],
        "sklearn.metrics._classification": [
            "accuracy_score", "balanced_accuracy_score", "brier_score_loss", "f1_score", "log_loss",
            "matthews_corrcoef", "precision_score", "recall_score",
        ],
        "sklearn.metrics._ranking": ["average_precision_score", "roc_auc_score"],
        "sklearn.metrics._regression": [
            "explained_variance_score", "max_error", "mean_absolute_error", "mean_absolute_percentage_error",
            "mean_poisson_deviance", "mean_squared_error", "median_absolute_error", "r2_score",
            "root_mean_squared_error",
        ],
        "sklearn.compose._column_transformer": ["ColumnTransformer", "_RemainderColsList", "make_column_selector"],
        // What a selector of columns may ask for; the fitted transformer holds what it found.
        "numpy": ["number", "integer", "floating", "object_", "int32", "generic"],
        "builtins": ["int", "float", "bool", "str"],
        "pandas.core.dtypes.dtypes": ["CategoricalDtype"],
        // Columns by a pandas Index, which stands for its labels.
        "pandas.core.indexes.base": ["_new_Index", "Index"],
        "pandas": ["Index", "StringDtype"],
        "pandas.arrays": ["StringArray"],
        "sklearn.preprocessing._data": [
            "StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "Normalizer", "PolynomialFeatures",
        ],
        "sklearn.preprocessing._polynomial": ["PolynomialFeatures"],
        "sklearn.preprocessing._encoders": ["OneHotEncoder", "OrdinalEncoder"],
        "sklearn.preprocessing._function_transformer": ["FunctionTransformer"],
        "sklearn.preprocessing._label": ["LabelBinarizer", "LabelEncoder"],
        "sklearn.impute._base": ["SimpleImputer", "MissingIndicator"],
        "sklearn.decomposition._pca": ["PCA"],
        "sklearn.dummy": ["DummyClassifier", "DummyRegressor"],
        "sklearn.linear_model._logistic": ["LogisticRegression"],
        "sklearn.linear_model._base": ["LinearRegression"],
        "sklearn.linear_model._coordinate_descent": ["Lasso", "ElasticNet"],
        "sklearn.linear_model._ridge": ["Ridge", "RidgeClassifier"],
        "sklearn.linear_model._stochastic_gradient": ["SGDClassifier", "SGDRegressor"],
        "sklearn.linear_model._sgd_fast": [
            "Log", "Hinge", "SquaredHinge", "ModifiedHuber", "SquaredLoss", "Huber", "EpsilonInsensitive",
            "SquaredEpsilonInsensitive",
        ],
        "sklearn.svm._classes": ["LinearSVC", "LinearSVR"],
        "sklearn.calibration": ["CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"],
        "sklearn.isotonic": ["IsotonicRegression"],
        "sklearn.frozen._frozen": ["FrozenEstimator"],
        "scipy.interpolate._interpolate": ["interp1d"],
        "sklearn.tree._classes": [
            "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
        ],
        "sklearn.tree._tree": ["Tree"],
        "sklearn.ensemble._forest": [
            "RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
        ],
        "sklearn.ensemble._gb": ["GradientBoostingClassifier", "GradientBoostingRegressor"],
        "sklearn.ensemble._gb_losses": [
            "BinomialDeviance", "MultinomialDeviance", "ExponentialLoss", "LeastSquaresError", "LeastAbsoluteError",
            "HuberLossFunction", "QuantileLossFunction",
        ],
        "sklearn.ensemble._iforest": ["IsolationForest"],
        "sklearn.ensemble._hist_gradient_boosting.binning": ["_BinMapper"],
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": [
            "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
        ],
        "sklearn.ensemble._hist_gradient_boosting.predictor": ["TreePredictor"],
        "sklearn._loss.loss": [
            "HalfBinomialLoss", "HalfMultinomialLoss", "HalfSquaredError", "ExponentialLoss", "AbsoluteError",
            "PinballLoss", "HuberLoss", "HalfPoissonLoss", "HalfGammaLoss", "HalfTweedieLoss",
        ],
        "sklearn._loss.link": [
            "IdentityLink", "LogitLink", "MultinomialLogit", "HalfLogitLink", "LogLink", "Interval",
        ],
        "sklearn.neural_network._multilayer_perceptron": ["MLPClassifier", "MLPRegressor"],
        "sklearn.neural_network._stochastic_optimizers": ["AdamOptimizer", "SGDOptimizer"],
        "sklearn.neighbors._classification": ["KNeighborsClassifier"],
        "sklearn.neighbors._regression": ["KNeighborsRegressor"],
        "sklearn.neighbors._kd_tree": ["KDTree", "KDTree64", "newObj"],
        "sklearn.neighbors._ball_tree": ["BallTree", "BallTree64", "newObj"],
        "sklearn.metrics._dist_metrics": [
            "EuclideanDistance", "EuclideanDistance64", "ManhattanDistance", "ManhattanDistance64", "ChebyshevDistance",
            "ChebyshevDistance64", "MinkowskiDistance", "MinkowskiDistance64", "newObj",
        ],
        "xgboost.core": ["Booster"],
        "xgboost.sklearn": ["XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"],
        "lightgbm.basic": ["Booster"],
        "lightgbm.sklearn": ["LGBMClassifier", "LGBMRegressor"],
        "sklearn.naive_bayes": ["GaussianNB"],
        // How HistGradientBoosting passes its numbers on; as data, like everything here.
        "functools": ["partial"],
        "sklearn.utils.validation": ["check_array"],
    ]

    private static let aliases: [String: String] = [
        "numpy.core.multiarray._reconstruct": "numpy._reconstruct",
        "numpy._core.multiarray._reconstruct": "numpy._reconstruct",
        "numpy.core.multiarray.scalar": "numpy.scalar",
        "numpy._core.multiarray.scalar": "numpy.scalar",
        "numpy.core.numeric._frombuffer": "numpy._frombuffer",
        "numpy._core.numeric._frombuffer": "numpy._frombuffer",
        "copy_reg._reconstructor": "copyreg._reconstructor",
        "__builtin__.object": "builtins.object",
        "__builtin__.bytes": "builtins.bytes",
        "__builtin__.bytearray": "builtins.bytearray",
        "__builtin__.slice": "builtins.slice",
        "sklearn.preprocessing.data.StandardScaler": "sklearn.preprocessing._data.StandardScaler",
        "sklearn.linear_model.logistic.LogisticRegression": "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.preprocessing._data.PolynomialFeatures": "sklearn.preprocessing._polynomial.PolynomialFeatures",
    ]
}
