#!/usr/bin/env bash
# Makes a random model and promotes it where the policy allows.
. "$(dirname "$0")/lib.sh"
balanceops train-dummy "$@"
