#!/usr/bin/env bash
# Records a demo run.
. "$(dirname "$0")/lib.sh"
balanceops demo-run "$@"
