#!/usr/bin/env bash
# Installs missing build dependencies: the headers of SQLite and zlib. With --onnx also the ONNX Runtime library, with --tests
# also the dependencies of the tests, with --matrix also the environments of all versions of the supported model libraries.
. "$(dirname "$0")/lib.sh"

with_tests=0
with_onnx=0
with_matrix=0
for argument in "$@"; do
    case "$argument" in
    --tests) with_tests=1 with_onnx=1 ;;
    --onnx) with_onnx=1 ;;
    --matrix) with_matrix=1 ;;
    *) fail "unknown argument '$argument'; usage: scripts/bootstrap.sh [--onnx] [--tests] [--matrix]" ;;
    esac
done

command -v swift >/dev/null 2>&1 || fail "swift is not installed: https://www.swift.org/install (6.2 or newer)"

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

install() {
    missing=""
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        say "installing$missing"
        as_root apt-get update -qq
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    fi
}

# Installs Python packages into an environment. uv needs seconds where pip needs minutes; without it pip compiles nothing ahead.
packages() {
    if [ -x .build/uv/bin/uv ]; then
        .build/uv/bin/uv pip install --quiet --python "$1/bin/python" "${@:2}"
    else
        "$1/bin/pip" install --quiet --disable-pip-version-check --no-compile "${@:2}"
    fi
}

# Creates a Python environment from a requirements file, unless it exists.
environment() {
    if ! cmp -s "$2" "$1/requirements.txt"; then
        say "installing the test clients into $1"
        rm -rf "$1"
        python3 -m venv "$1"
        packages "$1" -r "$2"
        cp "$2" "$1/requirements.txt"
    fi
}

if command -v apt-get >/dev/null 2>&1; then
    install libsqlite3-dev zlib1g-dev git
    if [ "$with_tests" -eq 1 ] && ! command -v chromium >/dev/null 2>&1; then
        install python3 python3-venv || true
        install valgrind || true
        install chromium-headless-shell || say "Chromium is not installed: the page tests will be skipped"
    fi
elif [ "$(uname)" = Linux ]; then
    say "apt-get not found: install the headers of sqlite3 and zlib manually"
fi

# Extracts the ONNX Runtime library from its wheel; Python is not needed to use it.
onnx_runtime() {
    target=.build/onnxruntime
    [ -e "$target/libonnxruntime.so.1" ] && return
    command -v python3 >/dev/null 2>&1 || fail "--onnx needs python3 with pip to download the library"
    say "installing ONNX Runtime into $target"
    folder="$(mktemp -d)"
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" onnxruntime
    python3 -m zipfile -e "$folder"/onnxruntime-*.whl "$folder/wheel"
    mkdir -p "$target"
    cp "$folder"/wheel/onnxruntime/capi/libonnxruntime.so.* "$target/libonnxruntime.so.1"
    rm -rf "$folder"
}

if [ "$with_onnx" -eq 1 ] && { [ "$with_tests" -eq 0 ] || command -v python3 >/dev/null 2>&1; }; then onnx_runtime; fi
if [ "$with_tests" -eq 1 ] && command -v python3 >/dev/null 2>&1; then
    mkdir -p .build/matrix
    if [ ! -x .build/uv/bin/uv ]; then
        python3 -m venv .build/uv
        .build/uv/bin/pip install --quiet --disable-pip-version-check uv || say "uv is not available: pip is used instead"
    fi
    {
        environment .build/venv Tests/clients/requirements.txt
        # It brings axe-core, and asks for a browser that the tests do not use.
        [ -e .build/venv/lib/python3*/site-packages/axe_playwright_python ] \
            || packages .build/venv --no-deps axe-playwright-python==0.1.8 || say "axe-core is not available"
    } &
    {
        environment .build/venv-before Tests/clients/requirements-mlflow-before.txt
        environment .build/venv-tools Tests/clients/requirements-tools.txt
        # It asks for all of MLflow and needs the client alone.
        [ -x .build/venv-tools/bin/export-model ] \
            || packages .build/venv-tools --no-deps mlflow-export-import==1.2.0
        environment .build/venv-tools-3.0 Tests/clients/requirements-tools-3.0.txt
    } &
    wait
    environment .build/venv-formats-before Tests/clients/requirements-formats-before.txt
    [ -e .build/matrix/1.3 ] || ln -s ../venv-formats-before .build/matrix/1.3
    for version in 1.1 1.6; do environment ".build/matrix/$version" "Tests/clients/matrix/$version.txt"; done
    for venv in .build/venv .build/venv-before .build/venv-tools .build/venv-tools-3.0; do
        [ -e "$venv/requirements.txt" ] || fail "cannot create $venv"
    done
fi
if [ "$with_matrix" -eq 1 ]; then
    mkdir -p .build/matrix
    if [ -L .build/matrix/1.3 ]; then rm .build/matrix/1.3; fi
    for list in Tests/clients/matrix/*.txt; do environment ".build/matrix/$(basename "$list" .txt)" "$list"; done
fi
say "ready"
