#!/usr/bin/env bash
# Checks that a tag can be released: release_check.sh vX.Y.Z.
. "$(dirname "$0")/lib.sh"

tag="${1:-}"
remote="${REMOTE:-origin}"
branch="${BRANCH:-main}"
printf "%s" "$tag" | grep -Eq "^v[0-9]+\.[0-9]+\.[0-9]+$" || { say "usage: scripts/release_check.sh vX.Y.Z" >&2; exit 2; }
[ -z "$(git status --porcelain)" ] || fail "the work tree has changes; commit or stash them"
head="$(git rev-parse HEAD)"
git fetch --quiet --tags "$remote" "$branch" || fail "cannot fetch $branch from $remote"
behind="$(git rev-list --count "HEAD..$remote/$branch")"
[ "$behind" -eq 0 ] || fail "behind $remote/$branch by $behind commits; pull first"
[ "$(git rev-list -n 1 "refs/tags/$tag" 2>/dev/null || true)" = "$head" ] || fail "the tag $tag is not at HEAD; git tag -a $tag -m $tag"
there="$(git ls-remote --tags "$remote" "refs/tags/$tag" "refs/tags/$tag^{}" | tail -1 | cut -f1)"
[ "$there" = "$head" ] || fail "the tag $tag is not at HEAD on $remote; git push $remote $tag"
say "OK: $tag is at $head here and on $remote"
