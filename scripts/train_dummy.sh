#!/usr/bin/env bash
# Creates a random model and promotes it if the policy allows it.
. "$(dirname "$0")/lib.sh"
balanceops train-dummy "$@"
