#!/usr/bin/env bash
# Sets up what is missing and runs format check, lint, all tests, the credit baseline and e2e.
# With BALANCEOPS_TEST_EFFORT=1 random tests try as often as they can, and the instructions of the hot paths are counted.
. "$(dirname "$0")/lib.sh"

./scripts/bootstrap.sh
# The environments of the clients come while the compiler works.
./scripts/bootstrap.sh --tests &
clients=$!
swift build --build-tests
# The optimised build, whose instructions are counted, has a folder of its own: scripts/test.sh builds it beside the clients' tests.
if [ "${BALANCEOPS_TEST_EFFORT:-}" = 1 ]; then export BENCH_SCRATCH=.build-bench; fi
wait "$clients"
./scripts/ci_check.sh --include-tabular-baseline "$@"
if [ -n "${BENCH_SCRATCH:-}" ]; then ./bench/check.sh; fi
