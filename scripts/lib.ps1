# What the scripts share. With a binary of this machine they use it; on Windows, where there is none, the container.
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")

function Invoke-BalanceOps {
    $binary = Join-Path ".build" (Join-Path "release" "balanceops")
    if (Test-Path $binary) { & $binary @args }
    else { docker compose run --rm --build api @args }
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Invoke-Git {
    $output = & git @args
    if ($LASTEXITCODE -ne 0) { throw "git $($args -join ' ') failed" }
    return $output
}
