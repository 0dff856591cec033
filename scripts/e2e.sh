#!/usr/bin/env bash
# Sets up what is missing, builds, and runs the whole loop once on the German credit data.
. "$(dirname "$0")/lib.sh"

case "$*" in
*--dataset-spec* | *--skip-train*) balanceops e2e "$@" ;;
*) balanceops e2e --dataset-spec examples/dataset_specs/german_credit.json "$@" ;;
esac
say "the binary is $PWD/$binary; put it on your PATH to use it as balanceops"
