#!/usr/bin/env bash
# Lets git use the hooks in .githooks.
. "$(dirname "$0")/lib.sh"
git config core.hooksPath .githooks
say "git uses .githooks; skip the pre-push check with BALANCEOPS_SKIP_PRE_PUSH=1 or --no-verify"
