# containerd.ps1 [PROXIES]: containerd as a service. Repeatable.
param([string]$Proxies = '')
$ErrorActionPreference = 'Stop'
$base = 'C:\Program Files\containerd'
$config = Join-Path $base 'config.toml'
if (-not (Test-Path -LiteralPath $config)) {
    & "$base\containerd.exe" config default | Out-File -FilePath $config -Encoding ascii
    if ($LASTEXITCODE -ne 0) { throw "containerd.exe config ended with $LASTEXITCODE" }
}
if (-not (Get-Service containerd -ErrorAction SilentlyContinue)) {
    & "$base\containerd.exe" --register-service
    if ($LASTEXITCODE -ne 0) { throw "containerd.exe --register-service ended with $LASTEXITCODE" }
}
if ($Proxies -ne '') {
    Set-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Services\containerd' -Name Environment -Type MultiString -Value $Proxies.Split(';')
}
Set-Service containerd -StartupType Automatic
Start-Service containerd
