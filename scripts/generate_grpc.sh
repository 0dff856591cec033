#!/usr/bin/env bash
# Generates Sources/BalanceGRPC/Generated from proto/inference.proto; needed only after a change of that file.
. "$(dirname "$0")/lib.sh"

command -v protoc >/dev/null 2>&1 || fail "protoc is not installed: apt-get install protobuf-compiler"
folder="${1:-.build/grpc-generator}"
mkdir -p "$folder/Sources/none"
cat > "$folder/Package.swift" <<'PACKAGE'
// swift-tools-version:6.1
import PackageDescription

let package = Package(
    name: "generator",
    dependencies: [
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    ],
    targets: [.executableTarget(name: "none")]
)
PACKAGE
echo 'print("")' > "$folder/Sources/none/main.swift"
for product in protoc-gen-swift protoc-gen-grpc-swift-2; do swift build --package-path "$folder" --product "$product"; done
bin="$(swift build --package-path "$folder" --show-bin-path)"
protoc --proto_path proto \
    --plugin "$bin/protoc-gen-swift" --swift_out Sources/BalanceGRPC/Generated \
    --plugin "$bin/protoc-gen-grpc-swift-2" --grpc-swift-2_out Sources/BalanceGRPC/Generated \
    --grpc-swift-2_opt Client=false \
    proto/inference.proto
say "wrote Sources/BalanceGRPC/Generated"
