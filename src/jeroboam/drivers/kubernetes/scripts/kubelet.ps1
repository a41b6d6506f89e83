# kubelet.ps1 NAME LABELS HOST: the kubelet as a service. HOST: of the API; the address by which it is reached is the node's. Repeatable.
param([string]$Name, [string]$Labels, [string]$ApiHost)
$ErrorActionPreference = 'Stop'
$node = Join-Path $env:ProgramData 'Jeroboam\node'
$address = [string](Find-NetRoute -RemoteIPAddress $ApiHost | Select-Object -First 1).IPAddress
if (-not (Get-Service kubelet -ErrorAction SilentlyContinue)) {
    $words = @(
        'C:\k\kubelet.exe'
        '--windows-service'
        "--config=$node\kubelet.yaml"
        "--kubeconfig=$node\kubelet.conf"
        "--hostname-override=$Name"
        "--node-ip=$address"
        "--node-labels=$Labels"
        '--cert-dir=C:\var\lib\kubelet\pki'
    )
    New-Item -ItemType Directory -Force -Path 'C:\var\lib\kubelet' | Out-Null
    New-Service -Name kubelet -BinaryPathName ($words -join ' ') -DependsOn containerd -StartupType Automatic | Out-Null
    & sc.exe failure kubelet reset= 0 actions= restart/5000 | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "sc.exe failure kubelet ended with $LASTEXITCODE" }
}
if (-not (Get-NetFirewallRule -Name jeroboam-kubelet -ErrorAction SilentlyContinue)) {
    New-NetFirewallRule -Name jeroboam-kubelet -DisplayName 'kubelet' -Direction Inbound -Protocol TCP -LocalPort 10250 -Action Allow | Out-Null
}
Start-Service kubelet
