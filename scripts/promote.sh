#!/usr/bin/env bash
# Promotes the model of a run to current: --latest or --run-id RUN.
. "$(dirname "$0")/lib.sh"
balanceops promote "$@"
