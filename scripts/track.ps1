# Reports, in Markdown, what is incoming from a remote branch and what is changed here.
param([string]$Branch = "main", [string]$Remote = "origin")
. (Join-Path $PSScriptRoot "lib.ps1")
Invoke-Git fetch --quiet $Remote $Branch
$upstream = "$Remote/$Branch"
function Show-List($title, $lines) { "`n## $title`n"; if ($lines) { $lines | ForEach-Object { "- $_" } } else { "- none" } }
"# Changes against $upstream"
Show-List "Incoming commits" (Invoke-Git log --oneline "HEAD..$upstream")
Show-List "Incoming files" (Invoke-Git diff --name-status "HEAD...$upstream")
Show-List "Local commits" (Invoke-Git log --oneline "$upstream..HEAD")
Show-List "Local changes" (Invoke-Git status --short)
