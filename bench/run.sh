#!/usr/bin/env bash
# Measures BalanceOps beside what a user would pick instead, in one run: bench/run.sh [--quick].
#
# Peers come from PyPI and apt into a folder outside the repository (BENCH_HOME). Writes bench/results/<date>.md.
set -eu
cd "$(dirname "$0")/.."
home="${BENCH_HOME:-$HOME/.cache/balanceops-bench}"
mkdir -p "$home"

say() { printf '[bench] %s\n' "$*"; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

missing=""
command -v wrk >/dev/null 2>&1 || missing="$missing wrk"
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
if [ -n "$missing" ]; then
    say "installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
fi
# A peer's packages stand in an environment of their own; false where they cannot be had.
peers() {
    cmp -s "$2" "$1/requirements.txt" && return 0
    say "installing the peers of $2 into $1"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2" && cp "$2" "$1/requirements.txt"
}
peers "$home/venv" bench/requirements.txt
peers "$home/mlserver" bench/requirements-mlserver.txt || say "MLServer cannot be installed here; the run goes on without it"
say "building in release mode"
for product in balanceops BalanceBench; do
    swift build -c release --static-swift-stdlib -Xlinker -s --product "$product" >"$home/build.log" 2>&1 || { tail -40 "$home/build.log"; exit 1; }
done
# ONNX Runtime is measured through its C interface: the programs find it beside themselves.
library="$(find "$home/venv" -path '*onnxruntime/capi/libonnxruntime.so.*' | head -1)"
[ -z "$library" ] || ln -sf "$library" .build/release/libonnxruntime.so.1
exec "$home/venv/bin/python" bench/run.py --home "$home" --bin .build/release "$@"
