#!/usr/bin/env bash
# Makes a run the current model: --latest or --run-id RUN.
. "$(dirname "$0")/lib.sh"
balanceops promote "$@"
