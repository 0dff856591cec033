# Checks that a tag can be released: release_check.ps1 vX.Y.Z.
param([string]$Tag, [string]$Remote = "origin", [string]$Branch = "main")
. (Join-Path $PSScriptRoot "lib.ps1")
if ($Tag -notmatch "^v\d+\.\d+\.\d+$") { "usage: scripts/release_check.ps1 vX.Y.Z"; exit 2 }
if (Invoke-Git status --porcelain) { throw "the work tree has changes; commit or stash them" }
$head = Invoke-Git rev-parse HEAD
Invoke-Git fetch --quiet --tags $Remote $Branch
$behind = Invoke-Git rev-list --count "HEAD..$Remote/$Branch"
if ($behind -ne "0") { throw "behind $Remote/$Branch by $behind commits; pull first" }
if ((Invoke-Git rev-list -n 1 "refs/tags/$Tag") -ne $head) { throw "the tag $Tag is not at HEAD" }
$there = @(Invoke-Git ls-remote --tags $Remote "refs/tags/$Tag" "refs/tags/$Tag^{}")[-1]
if (-not $there -or $there.Split("`t")[0] -ne $head) { throw "the tag $Tag is not at HEAD on $Remote" }
"OK: $Tag is at $head here and on $Remote"
