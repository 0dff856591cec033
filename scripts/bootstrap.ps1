# Builds the container image, or reports that a local build needs a Swift toolchain.
. (Join-Path $PSScriptRoot "lib.ps1")
if (Get-Command docker -ErrorAction SilentlyContinue) { docker compose build } else { throw "install Docker, or install Swift 6.2 and use the .sh scripts" }
