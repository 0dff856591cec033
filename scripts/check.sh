#!/usr/bin/env bash
# Sets up what is missing and runs format check, lint, all tests, the credit baseline and e2e.
. "$(dirname "$0")/lib.sh"

./scripts/bootstrap.sh
# The environments of the clients come while the compiler works.
./scripts/bootstrap.sh --tests &
clients=$!
swift build --build-tests
# The optimised build, whose instructions are counted, has a folder of its own: scripts/test.sh builds it beside the clients' tests.
export BENCH_SCRATCH=.build-bench
wait "$clients"
./scripts/ci_check.sh --include-tabular-baseline "$@"
./bench/check.sh
