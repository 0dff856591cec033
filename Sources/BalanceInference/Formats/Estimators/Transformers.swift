import BalanceCore

/// scikit-learn's transformers.
extension EstimatorConverter {
    private static let transforms: [String: ToTransform] = [
        "sklearn.preprocessing._data.StandardScaler": { try standardScaler($0) },
        "sklearn.preprocessing._data.RobustScaler": { try robustScaler($0) },
        "sklearn.preprocessing._data.MinMaxScaler": { try minMaxScaler($0) },
        "sklearn.preprocessing._data.MaxAbsScaler": { try maxAbsScaler($0) },
        "sklearn.preprocessing._data.Normalizer": { view in
            guard let norm = Normalize.Norm(rawValue: view["norm"]?.string ?? "l2") else { throw refusal("a norm") }
            return Normalize(norm: norm)
        },
        "sklearn.preprocessing._polynomial.PolynomialFeatures": { try polynomial($0) },
        "sklearn.preprocessing._encoders.OneHotEncoder": { try encoder($0, isOneHot: true) },
        "sklearn.preprocessing._encoders.OrdinalEncoder": { try encoder($0, isOneHot: false) },
        "sklearn.impute._base.SimpleImputer": { try imputer($0) },
        "sklearn.decomposition._pca.PCA": { try projection($0) },
        "sklearn.compose._column_transformer.ColumnTransformer": { try columns($0) },
    ]

    /// The steps that a transformer stands for: none for one that changes nothing.
    static func transform(_ view: ObjectView) throws -> [any RowTransform] {
        guard let name = view.className else { throw refusal(view.kind) }
        if name == pipeline {
            var all: [any RowTransform] = []
            for step in try steps(of: view) {
                all += try transform(step)
                // Pipelines that hold one another twice would double with each level.
                guard all.count <= 1000 else { throw refusal("a Pipeline with too many steps") }
            }
            return all
        }
        if name == "sklearn.preprocessing._function_transformer.FunctionTransformer" {
            guard view["func"].map(passesOn) ?? true else { throw refusal("a FunctionTransformer with a function") }
            return []
        }
        guard let convert = transforms[name] else { throw refusal(view.kind) }
        return [try convert(view)]
    }

    /// Whether a function answers with what it is given: a check of the rows, as HistGradientBoosting has it.
    private static func passesOn(_ function: ObjectView) -> Bool {
        guard function.className == "functools.partial", case .global(let name)? = function.arguments?.first?.node
        else {
            return false
        }
        return name == "sklearn.utils.validation.check_array"
    }

    private static func standardScaler(_ view: ObjectView) throws -> any RowTransform {
        let mean = view["with_mean"]?.bool == false ? [] : view["mean_"]?.doubles
        let scale = view["with_std"]?.bool == false ? [] : view["scale_"]?.doubles
        return try scaler("StandardScaler", mean, scale)
    }

    private static func robustScaler(_ view: ObjectView) throws -> any RowTransform {
        let mean = view["with_centering"]?.bool == false ? [] : view["center_"]?.doubles
        let scale = view["with_scaling"]?.bool == false ? [] : view["scale_"]?.doubles
        return try scaler("RobustScaler", mean, scale)
    }

    private static func scaler(_ name: String, _ mean: [Double]?, _ scale: [Double]?) throws -> any RowTransform {
        guard let mean, let scale else { throw refusal("a \(name) that was not fitted") }
        guard (mean + scale).allSatisfy(\.isFinite), !scale.contains(0) else {
            throw refusal("a \(name) with numbers that are not finite")
        }
        return StandardScale(mean: mean, scale: scale)
    }

    private static func minMaxScaler(_ view: ObjectView) throws -> any RowTransform {
        guard let scale = view["scale_"]?.doubles, let offset = view["min_"]?.doubles else {
            throw refusal("a MinMaxScaler that was not fitted")
        }
        var range: ClosedRange<Double>?
        if view["clip"]?.bool == true, let ends = view["feature_range"]?.numbers, ends.count == 2, ends[0] <= ends[1] {
            range = ends[0]...ends[1]
        }
        return LinearScale(scale: scale, offset: offset, range: range)
    }

    private static func maxAbsScaler(_ view: ObjectView) throws -> any RowTransform {
        guard let scale = view["scale_"]?.doubles, !scale.contains(0) else {
            throw refusal("a MaxAbsScaler that was not fitted")
        }
        return StandardScale(mean: [], scale: scale, range: view["clip"]?.bool == true ? -1...1 : nil)
    }

    private static func imputer(_ view: ObjectView) throws -> any RowTransform {
        guard let cells = view["statistics_"]?.cells else { throw refusal("a SimpleImputer that was not fitted") }
        // A column without any value stays as zeros where it is to be kept; some versions say so by NaN.
        let keepsEmpty = view["keep_empty_features"]?.bool == true
        guard !keepsEmpty || view["strategy"]?.string != "constant" || !cells.contains(where: { $0.code.isNaN }) else {
            throw refusal("a SimpleImputer with keep_empty_features and no constant")
        }
        return Impute(
            values: cells.map { keepsEmpty && $0.code.isNaN ? 0 : $0.code },
            missing: view["missing_values"]?.cell?.code ?? .nan,
            marks: view["indicator_"]?["features_"]?.doubles?.compactMap { Int(exactly: $0) } ?? [],
            isText: cells.contains(where: \.isText)
        )
    }

    /// The powers in scikit-learn's order: by degree, then combinations with repetition.
    private static func polynomial(_ view: ObjectView) throws -> any RowTransform {
        guard let count = view["n_features_in_"]?.integer,
            let highest = view["_max_degree"]?.integer ?? view["degree"]?.integer,
            (1...2000).contains(count), (0...8).contains(highest)
        else { throw refusal("a PolynomialFeatures that was not fitted") }
        let lowest = view["_min_degree"]?.integer ?? 0
        let isInteraction = view["interaction_only"]?.bool == true
        var powers: [[Int]] = []
        if view["include_bias"]?.bool != false { powers.append([Int](repeating: 0, count: count)) }
        var level: [[Int]] = [[]]
        for degree in 1...max(highest, 1) where degree <= highest {
            guard level.count <= (1 << 24) / (count * max(count, degree)) else {
                throw refusal("a PolynomialFeatures with too many outputs")
            }
            level = level.flatMap { combination in
                ((combination.last ?? 0)..<count).compactMap { next in
                    isInteraction && combination.last == next ? nil : combination + [next]
                }
            }
            guard powers.count + level.count < 1 << 18 else {
                throw refusal("a PolynomialFeatures with too many outputs")
            }
            if degree < max(lowest, 1) { continue }
            for combination in level {
                var power = [Int](repeating: 0, count: count)
                for column in combination { power[column] += 1 }
                powers.append(power)
            }
        }
        return Polynomial(powers: powers)
    }

    private static func projection(_ view: ObjectView) throws -> any RowTransform {
        guard let components = view["components_"]?.matrix else { throw refusal("a PCA that was not fitted") }
        var deviations: [Double] = []
        if view["whiten"]?.bool == true {
            guard let variance = view["explained_variance_"]?.doubles else { throw refusal("a PCA without variances") }
            deviations = variance.map { max($0.squareRoot(), Double.ulpOfOne) }
        }
        return Project(mean: view["mean_"]?.doubles ?? [], components: components, deviations: deviations)
    }

    private static func encoder(_ view: ObjectView, isOneHot: Bool) throws -> any RowTransform {
        guard let lists = view["categories_"]?.members else { throw refusal("an encoder that was not fitted") }
        let cells = try lists.map { list in
            guard let cells = list.cells, !cells.isEmpty else { throw refusal("an encoder without categories") }
            return cells
        }
        var encode = Encode(categories: cells.map { $0.map(\.code) }, isOneHot: isOneHot)
        for (index, codes) in encode.categories.enumerated() where Set(codes).count != codes.count {
            throw refusal("an encoder with a duplicate category in column \(index)")
        }
        encode.textColumns = Set(cells.indices.filter { cells[$0].contains(where: \.isText) })
        encode.unknown = try unknown(view)
        encode.missing = view["encoded_missing_value"]?.double ?? .nan
        try setRareCategories(of: view, &encode)
        let dropped = encode.places.isEmpty ? view["drop_idx_"] : view["_drop_idx_after_grouping"] ?? view["drop_idx_"]
        if isOneHot, let dropped {
            encode.dropped = dropped.members?.map(\.integer) ?? dropped.numbers?.map { Int(exactly: $0) } ?? []
        }
        // Until 1.1 the attribute was called `sparse`, which stays beside the new one for a while.
        if isOneHot { encode.isSparse = view["sparse_output"]?.bool ?? view["sparse"]?.bool ?? true }
        encode.noneColumns = Set(lists.indices.filter { lists[$0].members?.contains(where: \.isNone) ?? false })
        return encode
    }

    private static func unknown(_ view: ObjectView) throws -> Encode.Unknown {
        switch view["handle_unknown"]?.string ?? "error" {
        case "error": return .refuse
        case "ignore": return .ignore
        case "infrequent_if_exist", "warn": return .rare
        case "use_encoded_value": return .value(view["unknown_value"]?.double ?? .nan)
        case let other: throw refusal("an encoder with handle_unknown='\(other)'")
        }
    }

    /// The outputs of categories of which rare ones share one.
    private static func setRareCategories(of view: ObjectView, _ encode: inout Encode) throws {
        guard view["min_frequency"] != nil || view["max_categories"] != nil else { return }
        guard let maps = view["_default_to_infrequent_mappings"]?.elements, maps.count == encode.categories.count else {
            throw refusal("an encoder with unreadable rare categories")
        }
        encode.rare = maps.map { !$0.isNone }
        encode.places = try zip(maps, encode.categories).map { map, known in
            if map.isNone { return Array(known.indices) }
            guard var places = map.doubles?.compactMap({ Int(exactly: $0) }),
                places.allSatisfy({ known.indices.contains($0) })
            else { throw refusal("an encoder with unreadable rare categories") }
            // An OrdinalEncoder maps all but the missing category, which is the last and has a number of its own.
            if !encode.isOneHot, places.count == known.count - 1, known.last?.isNaN == true { places.append(0) }
            guard places.count == known.count else { throw refusal("an encoder with unreadable rare categories") }
            return places
        }
    }

    static func columns(_ view: ObjectView) throws -> any RowTransform {
        guard let fitted = view["transformers_"]?.elements else {
            throw refusal("a ColumnTransformer that was not fitted")
        }
        let names = view["feature_names_in_"]?.labels ?? []
        let isSparse = view["sparse_output_"]?.bool ?? false
        var parts: [(columns: [Int], steps: [any RowTransform])] = []
        var seen: Set<Int> = []
        for entry in fitted {
            guard let triple = entry.elements, triple.count == 3 else { throw refusal("a damaged ColumnTransformer") }
            if triple[1].string == "drop" { continue }
            let columns = try indices(triple[2], names, view["n_features_in_"]?.integer ?? names.count)
            if columns.isEmpty { continue }
            // What was fitted are copies, so that none stands twice; a small file could hold one a million times.
            guard triple[1].string != nil || seen.insert(triple[1].index).inserted else {
                throw refusal("a ColumnTransformer with a duplicate transformer")
            }
            var steps = triple[1].string == "passthrough" ? [] : try transform(triple[1])
            if let weight = try weight(of: triple[0].string, in: view) {
                guard weight != 0 || !isSparse else {
                    throw refusal("a ColumnTransformer with a weight of 0 and a sparse matrix")
                }
                steps.append(Times(factor: weight))
            }
            parts.append((columns, try steps.followingSparsity()))
        }
        return Columns(parts: parts, isSparse: isSparse)
    }

    /// What a part of a ColumnTransformer is multiplied with; nil: nothing.
    private static func weight(of name: String?, in view: ObjectView) throws -> Double? {
        guard let weights = view["transformer_weights"], let name, let weight = weights[name] else { return nil }
        guard let factor = weight.double, factor.isFinite else {
            throw refusal("a ColumnTransformer with a weight that is not a number")
        }
        return factor
    }

    /// The columns that a ColumnTransformer's entry names: by number, by name, or by a mask.
    private static func indices(_ view: ObjectView, _ names: [String], _ count: Int) throws -> [Int] {
        if let inner = view["data"] { return try indices(inner, names, count) }
        if view.labelType != .bool, let numbers = view.numbers {
            return try numbers.map { number in
                guard let place = Int(exactly: number), abs(place) < 1 << 24 else {
                    throw refusal("a column \(number)")
                }
                return place < 0 ? count + place : place
            }
        }
        let labels = view.string.map { [$0] } ?? view.labels ?? view.members?.compactMap(\.string) ?? []
        if view.labelType == .bool, labels.count == count { return labels.indices.filter { labels[$0] == "True" } }
        if let arguments = view.arguments, view.className == "builtins.slice", arguments.count == 3 {
            let step = arguments[2].integer ?? 1
            if arguments[0].string != nil || arguments[1].string != nil {
                return try between(arguments[0].string, arguments[1].string, names, step)
            }
            func place(_ end: Int) -> Int { min(max(end < 0 ? count + max(end, -count) : end, 0), count) }
            guard (1...1 << 24).contains(step) else { throw refusal("a slice of columns") }
            let (start, end) = (place(arguments[0].integer ?? 0), place(arguments[1].integer ?? count))
            return Array(stride(from: start, to: end, by: step))
        }
        return try labels.map { label in
            guard let index = names.firstIndex(of: label) else { throw refusal("an unknown column '\(label)'") }
            return index
        }
    }

    /// The columns between two labels, both among them, as pandas slices.
    private static func between(_ first: String?, _ last: String?, _ names: [String], _ step: Int) throws -> [Int] {
        func place(_ label: String?, _ standard: Int) throws -> Int {
            guard let label else { return standard }
            guard let index = names.firstIndex(of: label) else { throw refusal("an unknown column '\(label)'") }
            return index
        }
        guard step == 1, !names.isEmpty else { throw refusal("a slice of columns") }
        let (start, end) = (try place(first, 0), try place(last, names.count - 1))
        return start <= end ? Array(start...end) : []
    }
}
