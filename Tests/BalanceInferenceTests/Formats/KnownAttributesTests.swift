import Foundation
import Testing

@testable import BalanceInference

/// The table of attributes and the page that shows it to people.
struct KnownAttributesTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../docs/model-attributes.md").standardizedFileURL

    private static let head = """
        # Attributes of estimators

        A pickled estimator is its attributes. Each of them is read or checked, or may be ignored for a reason that is known; a file with any other
        attribute is refused by name, because it may change what the library answers. The table is made from
        `Sources/BalanceInference/Formats/Attributes` (`BALANCEOPS_RECORD=1 swift test --filter KnownAttributes` writes it), which was collected from
        scikit-learn 1.1 to 1.9, XGBoost 1.7 and 3.2, and LightGBM 3.3 and 4.7.

        Why an attribute may be ignored: *fitting*, it counts only while fitting; *record*, it tells how fitting went; *form*, it decides about speed,
        memory, messages or the form of a result and never about its values; *contained*, what counts of it is in an attribute that is read. Every
        estimator may have \(names(KnownAttributes())).


        """

    private static func names(_ known: KnownAttributes) -> String {
        known.read.union(known.fitting).union(known.form).sorted().map { "`\($0)`" }.joined(separator: ", ")
    }

    private static var page: String {
        let common = KnownAttributes()
        let parts = KnownAttributes.all.sorted { $0.key < $1.key }.map { name, known in
            let rows = [
                ("read", known.read.subtracting(common.read)), ("fitting", known.fitting.subtracting(common.fitting)),
                ("record", known.record), ("form", known.form.subtracting(common.form)), ("contained", known.contained),
            ]
            let lines = rows.filter { !$0.1.isEmpty }.map { title, names in
                "| \(title) | \(names.sorted().map { "`\($0)`" }.joined(separator: " ")) |"
            }
            return "## \(name)\n\n| | attributes |\n| --- | --- |\n" + lines.joined(separator: "\n") + "\n"
        }
        return head + parts.joined(separator: "\n")
    }

    @Test func `the page of attributes is the table`() throws {
        if ProcessInfo.processInfo.environment["BALANCEOPS_RECORD"] == "1" {
            try Data(Self.page.utf8).write(to: Self.path)
        }
        #expect(try String(contentsOf: Self.path, encoding: .utf8) == Self.page)
    }

    @Test func `no attribute has two reasons`() {
        for (name, known) in KnownAttributes.all {
            let sets = [known.read, known.fitting, known.record, known.form, known.contained]
            var all: Set<String> = []
            for set in sets { all.formUnion(set) }
            let count = sets.reduce(0) { $0 + $1.count }
            #expect(count == all.count, "\(name)")
        }
    }
}
