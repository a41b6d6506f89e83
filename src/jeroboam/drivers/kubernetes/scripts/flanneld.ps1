# flanneld.ps1 NAME HOST: flannel, as long as the node is there; started anew when it ends. It is no service of Windows by itself.
param([string]$Name, [string]$ApiHost)
$node = Join-Path $env:ProgramData 'Jeroboam\node'
$env:NODE_NAME = $Name
while ($true) {
    $address = [string](Find-NetRoute -RemoteIPAddress $ApiHost | Select-Object -First 1).IPAddress
    & C:\k\flanneld.exe --kube-subnet-mgr "--kubeconfig-file=$node\flannel.conf" "--net-config-path=$node\net-conf.json" "--iface=$address" --ip-masq
    Start-Sleep -Seconds 5
}
