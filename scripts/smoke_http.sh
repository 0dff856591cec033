#!/usr/bin/env bash
# Checks a running API.
. "$(dirname "$0")/lib.sh"
balanceops smoke-http "$@"
