# Builds the container image, or says that a build on this machine needs a Swift toolchain.
. (Join-Path $PSScriptRoot "lib.ps1")
if (Get-Command docker -ErrorAction SilentlyContinue) { docker compose build } else { throw "install Docker, or Swift 6.2 and use the .sh scripts" }
