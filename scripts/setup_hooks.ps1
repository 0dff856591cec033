# Lets git use the hooks in .githooks.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-Git config core.hooksPath .githooks
