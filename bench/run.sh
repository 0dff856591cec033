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
if ! cmp -s bench/requirements.txt "$home/venv/requirements.txt"; then
    say "installing the peers into $home/venv"
    rm -rf "$home/venv"
    python3 -m venv "$home/venv"
    "$home/venv/bin/pip" install --quiet --disable-pip-version-check -r bench/requirements.txt
    cp bench/requirements.txt "$home/venv/requirements.txt"
fi
say "building in release mode"
for product in balanceops BalanceBench; do
    swift build -c release --static-swift-stdlib -Xlinker -s --product "$product" >/dev/null 2>&1
done
exec "$home/venv/bin/python" bench/run.py --home "$home" --bin .build/release "$@"
