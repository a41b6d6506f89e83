# kube-proxy.ps1 NAME NETWORK PODS: kube-proxy as a service. In an overlay it needs an address of the node's own part for what comes from
# elsewhere; host-local, which gives pods theirs, keeps it for it. Repeatable.
param([string]$Name, [string]$Network, [string]$Pods)
$ErrorActionPreference = 'Stop'
$node = Join-Path $env:ProgramData 'Jeroboam\node'

function Get-SourceAddress() {
    $kept = Join-Path $node 'source-address'
    if (Test-Path -LiteralPath $kept) { return (Get-Content -LiteralPath $kept -Raw).Trim() }
    $line = Get-Content -LiteralPath 'C:\run\flannel\subnet.env' | Where-Object { $_ -like 'FLANNEL_SUBNET=*' } | Select-Object -First 1
    $first, $bits = $line.Substring('FLANNEL_SUBNET='.Length).Split('/')
    $subnet = ($first -replace '\.\d+$', '.0') + '/' + $bits
    $wish = @{ cniVersion = '0.3.0'; name = $Network; ipam = @{ type = 'host-local'; ranges = @(, @(@{ subnet = $subnet })); dataDir = 'C:\var\lib\cni\networks' } }
    $env:CNI_CONTAINERID = 'kube-proxy'
    $env:CNI_NETNS = 'kube-proxy'
    $env:CNI_IFNAME = 'kube-proxy'
    $env:CNI_PATH = 'C:\Program Files\containerd\cni\bin'
    $words = ConvertTo-Json -InputObject $wish -Depth 8 -Compress
    # One that an earlier run took and did not live to write down: host-local refuses a second to the same container.
    $env:CNI_COMMAND = 'DEL'
    $words | & "$env:CNI_PATH\host-local.exe" | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "host-local.exe DEL ended with $LASTEXITCODE" }
    $env:CNI_COMMAND = 'ADD'
    $said = $words | & "$env:CNI_PATH\host-local.exe"
    if ($LASTEXITCODE -ne 0) { throw "host-local.exe ended with ${LASTEXITCODE}: $said" }
    $address = (($said | Out-String | ConvertFrom-Json).ips[0].address).Split('/')[0]
    Set-Content -LiteralPath $kept -Value $address -Encoding ascii
    return $address
}

if (-not (Get-Service kube-proxy -ErrorAction SilentlyContinue)) {
    $words = @(
        'C:\k\kube-proxy.exe'
        '--windows-service'
        '--proxy-mode=kernelspace'
        "--kubeconfig=$node\kube-proxy.conf"
        "--hostname-override=$Name"
        "--cluster-cidr=$Pods"
        "--network-name=$Network"
        "--source-vip=$(Get-SourceAddress)"
        '--feature-gates=WinOverlay=true'
    )
    New-Service -Name kube-proxy -BinaryPathName ($words -join ' ') -DependsOn containerd -StartupType Automatic | Out-Null
    & sc.exe failure kube-proxy reset= 0 actions= restart/5000 | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "sc.exe failure kube-proxy ended with $LASTEXITCODE" }
}
Start-Service kube-proxy
