#!/usr/bin/env bash
# Counts the instructions of the hot paths with callgrind and compares them with bench/baseline.txt: a loss of more than a
# tenth fails. bench/check.sh --record writes the baseline anew; --build only builds, in the folder BENCH_SCRATCH.
set -eu
export SWIFT_DETERMINISTIC_HASHING=1
cd "$(dirname "$0")/.."

if [ "${1:-}" != --build ] && ! command -v valgrind >/dev/null 2>&1; then
    echo "[bench] SKIPPED: the count of instructions, as there is no valgrind"
    exit 0
fi
scratch="${BENCH_SCRATCH:-.build}"
swift build --scratch-path "$scratch" -c release --static-swift-stdlib -Xlinker -s --product BalanceBench >/dev/null 2>&1 || { echo "[bench] BalanceBench does not build"; exit 1; }
if [ "${1:-}" = --build ]; then exit 0; fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

bench="$scratch/release/BalanceBench"

# Instructions of one run of a path, from the difference between many and few.
count() {
    valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$bench" count "$1" "$2" 2>"$folder/err" || {
        cat "$folder/err"
        return 1
    }
    sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p' "$folder/err"
}

status=0
: >"$folder/new"
for path in predict predict-token forest log-metric; do
    few="$(count "$path" 100)"
    many="$(count "$path" 2100)"
    each=$(((many - few) / 2000))
    echo "$path $each" >>"$folder/new"
    before="$(sed -n "s/^$path //p" bench/baseline.txt 2>/dev/null || true)"
    echo "[bench] $path: $each instructions${before:+, recorded $before}"
    if [ "${1:-}" != --record ] && [ -n "$before" ] && [ "$each" -gt $((before + before / 10)) ]; then
        echo "[bench] $path takes over a tenth more than was recorded"
        status=1
    fi
done
# What a token costs: at most a tenth of a prediction without one.
plain="$(sed -n 's/^predict //p' "$folder/new")"
token="$(sed -n 's/^predict-token //p' "$folder/new")"
if [ "$token" -gt $((plain + plain / 10)) ]; then
    echo "[bench] a token costs $((token - plain)) instructions, over a tenth of $plain"
    status=1
fi
if [ "${1:-}" = --record ]; then cp "$folder/new" bench/baseline.txt; fi
exit "$status"
