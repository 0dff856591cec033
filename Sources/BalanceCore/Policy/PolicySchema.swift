/// The JSON schema of policies, for editors; what it cannot say is checked when a policy is read.
package enum PolicySchema {
    package static let json = JSONValue.object([
        ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", "BalanceOps promotion policy"),
        ("type", "object"), ("additionalProperties", .bool(false)),
        ("required", .strings(["apiVersion", "name"])),
        (
            "properties",
            .object([
                ("apiVersion", .object([("const", .string(PromotionPolicy.apiVersion))])),
                ("name", .object([("type", "string"), ("pattern", "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")])),
                ("mode", words(PromotionPolicy.Mode.self)), ("on_first", words(PromotionPolicy.OnFirst.self)),
                ("on_missing_metric", words(PromotionPolicy.OnMissing.self)),
                ("on_broken_current", words(PromotionPolicy.OnBroken.self)),
                ("compare", words(PromotionPolicy.Comparison.self)),
                (
                    "rules",
                    .object([
                        ("type", "array"), ("maxItems", .int(200)),
                        ("items", .object([("anyOf", .array([rule, group]))])),
                    ])
                ),
                ("data", data), ("require", requirements), ("cooldown", cooldown), ("approval", approval),
            ])
        ),
    ])

    private static let text = JSONValue.object([("type", "string")])
    private static let flag = JSONValue.object([("type", "boolean")])
    private static let number = JSONValue.object([("type", "number")])
    private static let size = JSONValue.object([("type", "number"), ("minimum", .int(0))])
    private static let count = JSONValue.object([("type", "integer"), ("minimum", .int(1))])
    private static let duration = JSONValue.object([("type", "string"), ("pattern", "^[0-9]+[smhd]$")])

    private static func words<Word: RawRepresentable<String> & CaseIterable>(_ type: Word.Type) -> JSONValue {
        .object([("enum", .strings(Word.allCases.map(\.rawValue)))])
    }

    private static func object(_ properties: [(String, JSONValue)], required: [String] = []) -> JSONValue {
        .object([
            ("type", "object"), ("additionalProperties", .bool(false)), ("properties", .object(properties)),
            ("required", .strings(required)),
        ])
    }

    private static let rule = object(
        [
            ("id", text), ("metric", text), ("direction", words(PolicyRule.Direction.self)),
            ("vs", .object([("const", "current")])), ("min_delta", size), ("max_regression", size),
            ("min_rel_delta", size), ("strict", flag), ("min", number), ("max", number),
            (
                "in",
                .object([("type", "array"), ("items", number), ("minItems", .int(2)), ("maxItems", .int(2))])
            ), ("dataset", text), ("by", .object([("type", "string"), ("pattern", "^slice:[^=]+=.+$")])),
            ("min_rows", count), ("skip_below", count), ("test", words(PolicyRule.Test.Kind.self)),
            ("alpha", .object([("type", "number"), ("exclusiveMinimum", .int(0)), ("maximum", .double(0.5))])),
            ("margin", size),
            ("resamples", .object([("type", "integer"), ("minimum", .int(100)), ("maximum", .int(100_000))])),
            ("spend_alpha", flag),
        ],
        required: ["metric"]
    )

    private static let group = object(
        [("id", text), ("any", .object([("type", "array"), ("minItems", .int(1)), ("items", rule)]))],
        required: ["any"]
    )

    private static let data = object([
        ("same_fingerprint_as", .object([("const", "current")])), ("min_rows", count), ("min_per_class", count),
        ("max_age", duration), ("predictions", text), ("positive", text),
    ])

    private static let requirements = object([
        ("tags", .object([("type", "object"), ("additionalProperties", text)])),
        ("artifacts", .object([("type", "array"), ("items", text)])), ("signature_compatible", flag),
        ("run_status", words(RunStatus.self)), ("self_test", flag), ("max_latency_ms", size),
    ])

    private static let cooldown = object([
        ("after_promotion", duration), ("after_rollback", duration), ("max_attempts_per_dataset", count),
    ])

    private static let approval = object([
        ("required", .object([("type", "integer"), ("minimum", .int(1)), ("maximum", .int(20))])),
        ("roles", .object([("type", "array"), ("items", text)])), ("not_author", flag), ("expires", duration),
    ])
}
