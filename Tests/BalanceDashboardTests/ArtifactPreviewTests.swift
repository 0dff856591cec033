import BalanceCore
import Foundation
import Testing

@testable import BalanceDashboard

struct ArtifactPreviewTests {
    private func preview(_ name: String, _ text: String, size: Int? = nil) -> ArtifactPreview {
        preview(name, Array(text.utf8), size: size)
    }

    private func preview(_ name: String, _ bytes: [UInt8], size: Int? = nil) -> ArtifactPreview {
        ArtifactPreview(name: name, head: bytes, size: size ?? bytes.count)
    }

    @Test(arguments: Fixture.all)
    func `the kind and the media type come from the content first and from the name then`(fixture: Fixture) {
        let preview = preview(fixture.name, fixture.bytes)
        #expect(preview.kind == fixture.kind)
        #expect(preview.kindName == fixture.kind.rawValue)
        #expect(preview.mediaType == fixture.mediaType)
    }

    @Test func `a template finds one flag of a kind and no other`() {
        for fixture in Fixture.all {
            let flags = Mirror(reflecting: preview(fixture.name, fixture.bytes)).children.filter { child in
                child.label?.hasPrefix("is") == true && child.label != "isCut" && child.value as? Bool == true
            }
            let names = flags.compactMap { $0.label?.dropFirst(2).lowercased() }
            #expect(names == [fixture.kind.rawValue], "\(fixture.name)")
        }
    }

    @Test func `text loses colours and shows what would turn its direction`() {
        let preview = preview(
            "a.log",
            "\u{1B}[31mred\u{1B}[0m\u{1B}]8;;http://x\u{1B}\\b\u{7}\r\na\u{202E}b\u{2066}\tc\u{1B}"
        )
        #expect(preview.lines.map(\.text) == ["redb\u{2407}", "a\\u{202E}b\\u{2066}\tc\u{241B}"])
        #expect(preview.lines.map(\.number) == [1, 2])
    }

    @Test func `text is cut at its lines and at the bytes that were read`() {
        let long = preview("a.txt", String(repeating: "a\n", count: 2001))
        #expect(long.lines.count == 2000 && long.isCut)
        #expect(!preview("a.txt", String(repeating: "a\n", count: 2000)).isCut)
        let part = preview("a.txt", Array("한글".utf8.dropLast()), size: 100)
        #expect(part.lines.map(\.text) == ["한"])
        #expect(part.isCut && part.bytesRead == 5 && part.bytesTotal == 100)
        #expect(preview("a.txt", Array("한글".utf8.dropLast())).isBinary)
    }

    @Test func `UTF-16 is text by its byte order mark`() {
        let text = "a한\u{1F600}"
        let little: [UInt8] =
            [0xFF, 0xFE] + text.utf16.flatMap { unit -> [UInt8] in [UInt8(unit & 255), UInt8(unit >> 8)] }
        let big: [UInt8] =
            [0xFE, 0xFF] + text.utf16.flatMap { unit -> [UInt8] in [UInt8(unit >> 8), UInt8(unit & 255)] }
        #expect(preview("a.txt", little).lines.map(\.text) == [text])
        #expect(preview("a.txt", big).lines.map(\.text) == [text])
        #expect(preview("a.txt", Array(big.dropLast(2)), size: 100).lines.map(\.text) == ["a한"])
        #expect(preview("a.txt", [0xFF, 0xFE, 0x00, 0xDC]).isBinary)
    }

    @Test func `JSON is laid out and keeps its numbers`() {
        let preview = preview("a.json", #"{"b":[1.0,NaN,{}],"a":"x,\"{","a":10000000000000000000000}"#)
        let expected = [
            "{", #"  "b": ["#, "    1.0,", "    NaN,", "    {}", "  ],", #"  "a": "x,\"{","#,
            #"  "a": 10000000000000000000000"#, "}",
        ]
        #expect(preview.lines.map(\.text) == expected)
        #expect(self.preview("a.json", "{\"a\":", size: 50).lines.map(\.text) == ["{\"a\":"])
    }

    @Test func `JSON that nests too deep stays as it is`() {
        let preview = preview("a.json", String(repeating: "[", count: 200_000))
        #expect(preview.isJSON && preview.lines.count == 1)
        #expect(
            self.preview("a.json", String(repeating: "[1,", count: 60) + "1" + String(repeating: "]", count: 60)).isJSON
        )
    }

    @Test func `a table keeps quotes, line ends and missing cells`() throws {
        let table = try #require(preview("a.csv", "a,b,c\r\n\"x,\"\"y\"\"\",\"1\n2\"\r\n\r\n3,4,5").table)
        #expect(table.header == ["a", "b", "c"])
        #expect(table.rows.map(\.cells) == [["x,\"y\"", "1\u{240A}2", ""], ["3", "4", "5"]])
        #expect(table.columnCount == 3 && table.rowCount == 2)
        #expect(!table.areRowsCut && !table.areColumnsCut)
    }

    @Test(arguments: [
        ("a.csv", "a;b\n1,5;2,5\n"), ("a.tsv", "a\tb\n1,5\t2,5\n"), ("a.csv", "a|b\n1,5|2,5"),
        ("a.csv", "a\tb\n1,5\t2,5"),
    ])
    func `the separator is the one that parts all lines alike`(name: String, text: String) {
        #expect(preview(name, text).table?.rows.map(\.cells) == [["1,5", "2,5"]])
    }

    @Test func `a table is cut at its rows, columns, cells and at a record without its end`() throws {
        let wide = (0..<80).map { "c\($0)" }.joined(separator: ",") + "\n"
        let rows = String(repeating: String(repeating: "x", count: 300) + ",2\n", count: 300)
        let table = try #require(preview("a.csv", wide + rows).table)
        #expect(table.header.count == 60 && table.columnCount == 80 && table.areColumnsCut)
        #expect(table.rows.count == 200 && table.areRowsCut && table.rowCount == nil)
        #expect(table.rows.first?.cells.first == String(repeating: "x", count: 200) + "…")
        #expect(preview("a.csv", "a,b\n1,2\n3", size: 100).table?.rows.map(\.cells) == [["1", "2"]])
    }

    @Test func `MLflow's table is a table`() throws {
        let table = try #require(
            preview("eval.json", #"{"columns":["q",2],"data":[["x",1.5],[null,{"a":true}]]}"#).table
        )
        #expect(table.header == ["q", "2"])
        #expect(table.rows.map(\.cells) == [["x", "1.5"], ["", #"{"a":true}"#]])
        #expect(preview("a.json", #"{"columns":["q"],"data":[1]}"#).isJSON)
    }

    @Test func `a notebook shows its cells and their text`() throws {
        let preview = preview("a.ipynb", Fixture.notebook)
        let notebook = try #require(preview.notebook)
        #expect(notebook.language == "python")
        #expect(notebook.cells.map(\.kind) == ["markdown", "code"])
        #expect(notebook.cells.map(\.source) == ["# Title", "print(1)\n2"])
        #expect(notebook.cells[1].count == 3)
        #expect(notebook.cells[1].outputs.map { $0.lines.map(\.text) } == [["1"], ["2"], ["bad"]])
        #expect(notebook.cells[1].outputs.map(\.isError) == [false, false, true])
    }

    @Test func `an array shows its type and shape`() throws {
        let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }"
        let npy = try #require(preview("a", Fixture.npy(header)).npy)
        #expect(npy.dtype == "float32" && npy.shape == "3 × 4" && npy.dimensions == [3, 4] && npy.isFortranOrder)
        let single = "{'descr': [('a', '<f4'), ('b', '>i8')], 'fortran_order': False, 'shape': (), }"
        #expect(preview("a", Fixture.npy(single)).npy?.dtype == "[('a', '<f4'), ('b', '>i8')]")
        #expect(preview("a", Fixture.npy("{'descr': '<f4', 'shape': (3, -4)}")).isBinary)
        #expect(preview("a", Fixture.npy("{'descr': '<f4', 'shape': (99999999999999999999,)}")).isBinary)
        #expect(preview("a", NpyPreview.signature + [2, 0, 255, 255, 255, 255, 1]).isBinary)
    }

    @Test func `the end of a Parquet file says its columns and rows`() throws {
        let tail = Fixture.parquetTail
        let preview = ArtifactPreview(name: "a", head: Array("PAR1....".utf8), size: 9000, tail: tail)
        let parquet = try #require(preview.parquet)
        #expect(parquet.columns.map(\.name) == ["id", "name", "tags.list.element"])
        #expect(parquet.columns.map(\.type) == ["int64", "string", "string"])
        #expect(parquet.rowCount == 3 && parquet.rowGroupCount == 2 && parquet.columnCount == 3)
        #expect(parquet.writer?.hasPrefix("parquet-cpp-arrow") == true)
    }

    @Test func `a Parquet file without its end is one by its name, and a broken end makes it binary`() {
        let head = Array("PAR1....".utf8)
        #expect(ArtifactPreview(name: "a", head: head, size: 9000).isParquet)
        let long = [0, 0, 0, 0, 0, 0x20, 0, 0] + Array("PAR1".utf8)
        #expect(ArtifactPreview(name: "a", head: head, size: 9000, tail: long).isParquet)
        for length: [UInt8] in [[0, 0, 0, 0], [4, 0, 0, 0], [255, 255, 255, 255]] {
            let tail = [0xFF, 0xFF, 0xFF, 0xFF] + length + Array("PAR1".utf8)
            #expect(ArtifactPreview(name: "a", head: head, size: 9000, tail: tail).isBinary)
        }
        #expect(ArtifactPreview(name: "a", head: head, size: 9000, tail: Array("no".utf8)).isBinary)
    }

    @Test func `everything else is shown in hexadecimal`() {
        let preview = preview("a.bin", [0, 0x41, 0xFF] + [UInt8](repeating: 7, count: 300))
        #expect(preview.isBinary && preview.isCut && preview.hex.count == 16)
        #expect(preview.hex.first?.hex == "00 41 ff" + String(repeating: " 07", count: 13))
        #expect(preview.hex.first?.text == ".A..............")
        #expect(preview.hex.last?.offset == "000000f0")
    }

    @Test func `no change of any kind of file traps`() {
        var random = SplitMix64(seed: 3)
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }
        for fixture in Fixture.all + [Fixture("a.parquet", Array("PAR1".utf8) + Fixture.parquetTail, .parquet)] {
            for _ in 0..<150 {
                var bytes = fixture.bytes
                for _ in 0..<1 + below(4) where !bytes.isEmpty {
                    switch below(4) {
                    case 0: bytes[below(bytes.count)] = UInt8(below(256))
                    case 1: bytes.removeLast(below(bytes.count))
                    case 2: bytes.insert(contentsOf: bytes.prefix(below(40)), at: below(bytes.count))
                    default: bytes[below(bytes.count)] = [0, 0x7F, 0x80, 0xFF][below(4)]
                    }
                }
                let tail = fixture.kind == .parquet ? Array(bytes.suffix(1 + below(2000))) : []
                let size = [bytes.count, bytes.count + below(100), 0, Int.max][below(4)]
                let preview = ArtifactPreview(name: fixture.name, head: bytes, size: size, tail: tail)
                #expect(preview.bytesRead <= preview.bytesTotal)
            }
        }
    }
}

extension ArtifactPreviewTests {
    /// A file of each kind.
    struct Fixture: CustomTestStringConvertible, Sendable {
        let name: String
        let bytes: [UInt8]
        let kind: ArtifactPreview.Kind
        let mediaType: String?

        init(_ name: String, _ bytes: [UInt8], _ kind: ArtifactPreview.Kind, _ mediaType: String? = nil) {
            (self.name, self.bytes, self.kind, self.mediaType) = (name, bytes, kind, mediaType)
        }

        init(_ name: String, _ text: String, _ kind: ArtifactPreview.Kind, _ mediaType: String? = nil) {
            self.init(name, Array(text.utf8), kind, mediaType)
        }

        var testDescription: String { "\(name) is \(kind.rawValue)" }

        static let notebook = """
            {"nbformat": 4, "metadata": {"language_info": {"name": "python"}}, "cells": [
              {"cell_type": "markdown", "source": "# Title"},
              {"cell_type": "code", "source": ["print(1)\\n", "2"], "execution_count": 3, "outputs": [
                {"output_type": "stream", "text": ["1\\n"]},
                {"output_type": "execute_result", "data": {"text/plain": "2", "text/html": "<b>2</b>"}},
                {"output_type": "display_data", "data": {"image/png": "AAAA"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\\u001b[31mbad\\u001b[0m"]}]}]}
            """

        static func npy(_ header: String) -> [UInt8] {
            let length = header.utf8.count
            return NpyPreview.signature + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(header.utf8)
        }

        private static let wave = Array("RIFF".utf8) + [36, 0, 0, 0] + Array("WAVEfmt ".utf8)
        private static let bitmap = Array("BM".utf8) + [58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0]
        private static func box(_ brand: String) -> [UInt8] {
            [0, 0, 0, 32] + Array(("ftyp" + brand).utf8) + [0, 0, 2, 0]
        }

        static let all: [Fixture] = [
            Fixture("a.txt", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0], .image, "image/png"),
            Fixture("a", [0xFF, 0xD8, 0xFF, 0xE0], .image, "image/jpeg"),
            Fixture("a", "GIF89a", .image, "image/gif"),
            Fixture("a", Array("RIFF".utf8) + [1, 0, 0, 0] + Array("WEBPVP8 ".utf8), .image, "image/webp"),
            Fixture("a", box("avif"), .image, "image/avif"),
            Fixture("a", bitmap, .image, "image/bmp"),
            Fixture("a.svg", "<?xml version='1.0'?><svg></svg>", .image, "image/svg+xml"),
            Fixture("a", "\n<svg xmlns='x'></svg>", .image, "image/svg+xml"),
            Fixture("a.pdf", "%PDF-1.7\n", .pdf, "application/pdf"),
            Fixture("a.mp3", Array("ID3".utf8) + [4, 0, 0], .audio, "audio/mpeg"),
            Fixture("a.mp3", [0xFF, 0xFB, 0x90, 0x00], .audio, "audio/mpeg"),
            Fixture("a", wave, .audio, "audio/wav"),
            Fixture("a", Array("OggS".utf8) + [0, 2, 1] + Array("vorbis".utf8), .audio, "audio/ogg"),
            Fixture("a", box("isom"), .video, "video/mp4"),
            Fixture("a", [0x1A, 0x45, 0xDF, 0xA3, 0x42, 0x82, 0x84] + Array("webm".utf8), .video, "video/webm"),
            Fixture("a.html", "<p>a", .html, "text/html"),
            Fixture("report", "<!DOCTYPE HTML><p>a", .html, "text/html"),
            Fixture("a.txt", "<!DOCTYPE HTML><p>a", .text),
            Fixture("a.png", "not a picture", .text),
            Fixture("MLmodel", "flavors:\n  a: 1\n", .code),
            Fixture("a.py", "def f():\n\tpass\n", .code),
            Fixture("a.json", #"{"a": [1, {"b": null}]}"#, .json),
            Fixture("a", "[1, 2]", .json),
            Fixture("a.json", #"{"columns":["q"],"data":[["x"]]}"#, .table),
            Fixture("a.csv", "a,b\n1,\"2\n3\"\n", .table),
            Fixture("a.md", "# a\n", .markdown),
            Fixture("a.ipynb", notebook, .notebook),
            Fixture("a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"), .npy),
            Fixture("a.txt", "", .text),
            Fixture("a.log", "\u{1B}[31ma\u{1B}[0m", .text),
            Fixture("a.txt", "a\u{0}b", .binary),
            Fixture("a.bin", [0xC0, 0xFF, 0x00], .binary),
            Fixture("a.zip", Array("PK".utf8) + [3, 4, 0xFF], .binary),
        ]

        /// The footer of a file of three columns and two row groups that PyArrow wrote.
        static let parquetTail = [UInt8](Data(base64Encoded: footer) ?? Data())

        private static let footer =
            "FQQZbDUAGAZzY2hlbWEVBgAVBCUCGAJpZAAVDCUCGARuYW1lJQBMHAAAADUCGAR0YWdzFQIVBkw8AAAANQQYBGxpc3QVAgAVDCUC"
            + "GAdlbGVtZW50JQBMHAAAABYGGSwZPCYAHBUEGSUGABkYAmlkFQAWBBZSFlImCEkcFQAVABUCADwpBhkmAAQAAAAmABwVDBklBgAZ"
            + "GARuYW1lFQAWBBZGFkYmWkkcFQAVABUCADwWBBkGGSYABAAAACYAHBUMGSUGABk4BHRhZ3MEbGlzdAdlbGVtZW50FQAWBBZKFkom"
            + "oAFJHBUAFQAVAgA8FgIZJgQAGUYAAgACAAAAFuIBFgQmCBbiAQAZPCYAHBUEGSUGABkYAmlkFQAWAhZCFkIm6gFJHBUAFQAVAgA8"
            + "KQYZJgACAAAAJgAcFQwZJQYAGRgEbmFtZRUAFgIWMhYyJqwCSRwVABUAFQIAPBYAGQYZJgIAAAAAJgAcFQwZJQYAGTgEdGFncwRs"
            + "aXN0B2VsZW1lbnQVABYEFlIWUibeAkkcFQAVABUCADwWBBkmAgIZRgAAAAQAAAAWxgEWAibqARbGAQAoIHBhcnF1ZXQtY3BwLWFy"
            + "cm93IHZlcnNpb24gMjIuMC4wGTwcAAAcAAAcAAAA4AEAAFBBUjE="
    }
}
