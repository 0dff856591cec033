# Serves the API, and the dashboard below /ui.
. (Join-Path $PSScriptRoot "lib.ps1")
if (Test-Path (Join-Path ".build" (Join-Path "release" "balanceops"))) { Invoke-BalanceOps serve @args } else { docker compose up --build api }
