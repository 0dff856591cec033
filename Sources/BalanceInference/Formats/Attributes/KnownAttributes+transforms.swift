/// The attributes of pipelines and transformers.
extension KnownAttributes {
    static let transforms: [String: KnownAttributes] = [
        "sklearn.compose._column_transformer.ColumnTransformer": KnownAttributes(
            read: "sparse_output_ transformer_weights transformers_",
            form: "force_int_remainder_cols verbose_feature_names_out",
            contained: "_columns _n_features _name_to_fitted_passthrough _remainder _transformer_to_input_indices "
                + "output_indices_ remainder sparse_threshold transformers"
        ),
        "sklearn.decomposition._pca.PCA": KnownAttributes(
            read: "components_ explained_variance_ mean_ whiten",
            fitting: "tol",
            record: "_fit_svd_solver explained_variance_ratio_ iterated_power n_components n_components_ n_features_ "
                + "n_oversamples n_samples_ noise_variance_ power_iteration_normalizer singular_values_ svd_solver"
        ),
        "sklearn.frozen._frozen.FrozenEstimator": KnownAttributes(
            read: "estimator"
        ),
        "sklearn.impute._base.MissingIndicator": KnownAttributes(
            read: "features features_ missing_values",
            fitting: "_n_features _precomputed sparse",
            contained: "error_on_new"
        ),
        "sklearn.impute._base.SimpleImputer": KnownAttributes(
            read: "indicator_ keep_empty_features missing_values statistics_",
            contained: "_fill_dtype _fit_dtype add_indicator fill_value strategy"
        ),
        "sklearn.pipeline.Pipeline": KnownAttributes(
            read: "steps",
            fitting: "transform_input",
            form: "memory"
        ),
        "sklearn.preprocessing._data.MaxAbsScaler": KnownAttributes(
            read: "clip scale_",
            record: "max_abs_ n_samples_seen_"
        ),
        "sklearn.preprocessing._data.MinMaxScaler": KnownAttributes(
            read: "clip feature_range min_ scale_",
            record: "data_max_ data_min_ data_range_ n_samples_seen_"
        ),
        "sklearn.preprocessing._data.Normalizer": KnownAttributes(
            read: "norm"
        ),
        "sklearn.preprocessing._data.RobustScaler": KnownAttributes(
            read: "center_ scale_ with_centering with_scaling",
            contained: "quantile_range unit_variance"
        ),
        "sklearn.preprocessing._data.StandardScaler": KnownAttributes(
            read: "mean_ scale_ with_mean with_std",
            record: "n_samples_seen_ var_"
        ),
        "sklearn.preprocessing._encoders.OneHotEncoder": KnownAttributes(
            read: "_default_to_infrequent_mappings _drop_idx_after_grouping categories_ drop_idx_ dtype "
                + "handle_unknown max_categories min_frequency sparse sparse_output",
            form: "feature_name_combiner",
            contained: "_infrequent_enabled _infrequent_indices _n_features_outs categories drop"
        ),
        "sklearn.preprocessing._encoders.OrdinalEncoder": KnownAttributes(
            read: "_default_to_infrequent_mappings _missing_indices categories_ dtype encoded_missing_value "
                + "handle_unknown max_categories min_frequency unknown_value",
            contained: "_infrequent_enabled _infrequent_indices categories"
        ),
        "sklearn.preprocessing._function_transformer.FunctionTransformer": KnownAttributes(
            read: "func kw_args validate",
            fitting: "accept_sparse check_inverse inv_kw_args inverse_func",
            form: "feature_names_out"
        ),
        "sklearn.preprocessing._label.LabelBinarizer": KnownAttributes(
            read: "classes_ y_type_",
            fitting: "neg_label pos_label sparse_input_ sparse_output"
        ),
        "sklearn.preprocessing._polynomial.PolynomialFeatures": KnownAttributes(
            read: "_max_degree _min_degree degree include_bias interaction_only",
            record: "_n_out_full n_output_features_",
            form: "order"
        ),
    ]
}
