#!/usr/bin/env bash
# Sets up what is missing and runs format check, lint, all tests, the credit baseline and e2e.
. "$(dirname "$0")/lib.sh"

./scripts/bootstrap.sh
# The environments of the clients come while the compiler works.
./scripts/bootstrap.sh --tests &
clients=$!
swift build --build-tests
# The optimised build whose instructions are counted takes what the tests leave of the processor.
export BENCH_SCRATCH=.build-bench
nice -n 19 ./bench/check.sh --build &
optimised=$!
wait "$clients"
./scripts/ci_check.sh --include-tabular-baseline "$@"
wait "$optimised"
./bench/check.sh
