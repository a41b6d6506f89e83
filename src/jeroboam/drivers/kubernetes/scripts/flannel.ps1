# flannel.ps1 NAME HOST: flanneld.ps1 at each start of the node, and now; until it has this node's part of the pods' addresses. Repeatable.
param([string]$Name, [string]$ApiHost)
$ErrorActionPreference = 'Stop'
$task = 'Jeroboam flannel'
$script = Join-Path $env:ProgramData 'Jeroboam\node\steps\flanneld.ps1'
if (-not (Get-ScheduledTask -TaskName $task -ErrorAction SilentlyContinue)) {
    $words = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$script`" $Name $ApiHost"
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $words
    $trigger = New-ScheduledTaskTrigger -AtStartup
    $forever = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1)
    Register-ScheduledTask -TaskName $task -Action $action -Trigger $trigger -Settings $forever -User 'SYSTEM' -RunLevel Highest | Out-Null
}
if (-not (Get-NetFirewallRule -Name jeroboam-vxlan -ErrorAction SilentlyContinue)) {
    New-NetFirewallRule -Name jeroboam-vxlan -DisplayName 'VXLAN' -Direction Inbound -Protocol UDP -LocalPort 4789 -Action Allow | Out-Null
}
Start-ScheduledTask -TaskName $task
while (-not (Test-Path -LiteralPath 'C:\run\flannel\subnet.env')) { Start-Sleep -Seconds 1 }
