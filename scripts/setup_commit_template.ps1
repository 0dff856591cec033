# Lets git begin commit messages with .gitmessage.
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-Git config commit.template .gitmessage
