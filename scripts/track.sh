#!/usr/bin/env bash
# Reports, in Markdown, what is incoming from a remote branch and what is changed here.
. "$(dirname "$0")/lib.sh"

remote="${REMOTE:-origin}"
branch="${1:-${BRANCH:-main}}"
git fetch --quiet "$remote" "$branch" || fail "cannot fetch $branch from $remote"
upstream="$remote/$branch"
list() { if [ -n "$1" ]; then printf "%s\n" "$1" | sed "s/^/- /"; else printf -- "- none\n"; fi; }
printf "# Changes against %s\n\n" "$upstream"
printf "Behind by %s commits, ahead by %s.\n\n" "$(git rev-list --count "HEAD..$upstream")" "$(git rev-list --count "$upstream..HEAD")"
printf "## Incoming commits\n\n"
list "$(git log --oneline "HEAD..$upstream")"
printf "\n## Incoming files\n\n"
list "$(git diff --name-status "HEAD...$upstream")"
printf "\n## Local commits\n\n"
list "$(git log --oneline "$upstream..HEAD")"
printf "\n## Local changes\n\n"
list "$(git status --short)"
