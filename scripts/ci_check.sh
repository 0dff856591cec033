#!/usr/bin/env bash
# Runs the CI steps.
. "$(dirname "$0")/lib.sh"
export BALANCEOPS_CONFIGURATION="${BALANCEOPS_CONFIGURATION:-debug}"
configuration="$BALANCEOPS_CONFIGURATION"
binary=".build/$configuration/balanceops"
balanceops ci-check "$@"
