#!/usr/bin/env bash
# Sets up what is missing and runs format check, lint, all tests, the credit baseline, e2e and the count of instructions.
. "$(dirname "$0")/lib.sh"

# One optimised build serves all of it: our tests, the server of the clients' tests and the count.
export BALANCEOPS_CONFIGURATION=release
export BALANCEOPS_BUILD_FLAGS="-Xswiftc -enable-testing"
if [ "$(uname)" = Linux ]; then BALANCEOPS_BUILD_FLAGS="$BALANCEOPS_BUILD_FLAGS -Xlinker -s"; fi

./scripts/bootstrap.sh
# The environments of the clients come while the compiler works.
./scripts/bootstrap.sh --tests &
clients=$!
# shellcheck disable=SC2086
swift build -c release $BALANCEOPS_BUILD_FLAGS --build-tests
wait "$clients"
./scripts/ci_check.sh --include-tabular-baseline "$@"
./bench/check.sh
