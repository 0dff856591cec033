# What the scripts share; sourced, not run. Every script works from any directory.
set -eu
cd "$(dirname "$0")/.."

# The configuration to build: release for use, debug where the tests have built it already.
configuration="${BALANCEOPS_CONFIGURATION:-release}"
binary=".build/$configuration/balanceops"

say() { printf '[%s] %s\n' "$(basename "$0" .sh)" "$*"; }
fail() { printf '[%s] ERROR: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }

# Builds the binary; prints a line every 15 seconds, as a first build takes minutes.
build() {
    command -v swift >/dev/null 2>&1 || fail "swift is not installed: https://www.swift.org/install (6.2 or newer)"
    log="$(mktemp)"
    # A release needs no Swift on the machine that it runs on, and carries no symbols. bench/ uses the same flags: others
    # would rebuild everything.
    flags=""
    if [ "$configuration" = release ] && [ "$(uname)" = Linux ]; then flags="--static-swift-stdlib -Xlinker -s"; fi
    # shellcheck disable=SC2086
    swift build -c "$configuration" $flags --product balanceops >"$log" 2>&1 &
    pid=$!
    seconds=0
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ $((seconds % 15)) -eq 0 ]; then say "building ($configuration), ${seconds}s: $(grep -o '^\[[0-9/]*\]' "$log" | tail -1)"; fi
    done
    wait "$pid" || { tail -40 "$log" >&2; fail "the build failed; see the log $log"; }
    rm -f "$log"
}

# Runs a subcommand of the binary; builds the binary first if it is missing or older than the sources.
balanceops() {
    if [ ! -x "$binary" ] || [ -n "$(find Package.swift Sources -newer "$binary" -type f -print -quit)" ]; then
        ./scripts/bootstrap.sh >&2
        build >&2
    fi
    "$binary" "$@"
}
