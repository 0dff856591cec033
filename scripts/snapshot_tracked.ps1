# Packs the tracked files of HEAD into a zip.
param([string]$Target = "balanceops_$((Get-Date).ToUniversalTime().ToString("yyyyMMdd_HHmmss")).zip")
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-Git archive --format=zip "--output=$Target" HEAD
"wrote $Target"
