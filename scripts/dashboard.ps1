# Serves the dashboard on a separate port.
. (Join-Path $PSScriptRoot "lib.ps1")
if (Test-Path (Join-Path ".build" (Join-Path "release" "balanceops"))) { Invoke-BalanceOps dashboard @args } else { docker compose up --build dashboard }
