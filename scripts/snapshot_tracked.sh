#!/usr/bin/env bash
# Packs the tracked files of HEAD into a zip: snapshot_tracked.sh [FILE].
. "$(dirname "$0")/lib.sh"

target="${1:-balanceops_$(date -u +%Y%m%d_%H%M%S)_$(git rev-parse --short HEAD).zip}"
git archive --format=zip --output="$target" HEAD
say "wrote $target"
