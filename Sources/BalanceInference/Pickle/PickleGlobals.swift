/// The names that a pickle may ask for; all others are refused before anything else is read.
enum PickleGlobals {
    /// How joblib marks an array whose bytes follow in the stream.
    static let arrayWrapper = "joblib.numpy_pickle.NumpyArrayWrapper"

    static func isAllowed(_ name: String) -> Bool { aliases[name] != nil || allowed.contains(name) }

    /// The one name that the rest of the code knows for something that moved between versions.
    static func canonical(_ name: String) -> String { aliases[name] ?? name }

    private static let allowed: Set<String> = [
        arrayWrapper, "_codecs.encode", "collections.OrderedDict", "numpy.dtype", "numpy.ndarray",
        "copyreg._reconstructor", "builtins.object",
        "balanceops.models.dummy.DummyBalanceModel",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.linear_model._logistic.LogisticRegression",
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
        "sklearn.preprocessing.data.StandardScaler": "sklearn.preprocessing._data.StandardScaler",
        "sklearn.linear_model.logistic.LogisticRegression": "sklearn.linear_model._logistic.LogisticRegression",
    ]
}
