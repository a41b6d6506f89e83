# engine.ps1 NAME: Docker Engine as a service. Repeatable.
param([string]$Name)
$ErrorActionPreference = 'Stop'
# The swarm knows a node by the engine's host name; Windows may have cut it to the 15 characters of NetBIOS.
foreach ($value in @('Hostname', 'NV Hostname')) {
    Set-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' -Name $value -Value $Name
}
if (-not (Get-Service docker -ErrorAction SilentlyContinue)) {
    & "$env:ProgramFiles\docker\dockerd.exe" --register-service
    if ($LASTEXITCODE -ne 0) { throw "dockerd.exe --register-service ended with $LASTEXITCODE" }
}
$proxies = 'C:\ProgramData\Jeroboam\node\proxies'
if (Test-Path -LiteralPath $proxies) {
    Set-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Services\docker' -Name Environment -Type MultiString -Value @(Get-Content -LiteralPath $proxies)
}
foreach ($way in @(@('TCP', 2377), @('TCP', 7946), @('UDP', 7946), @('UDP', 4789))) {
    $rule = "jeroboam-swarm-$($way[0])-$($way[1])"
    if (-not (Get-NetFirewallRule -Name $rule -ErrorAction SilentlyContinue)) {
        New-NetFirewallRule -Name $rule -DisplayName $rule -Direction Inbound -Protocol $way[0] -LocalPort $way[1] -Action Allow | Out-Null
    }
}
Set-Service docker -StartupType Automatic
Restart-Service docker
