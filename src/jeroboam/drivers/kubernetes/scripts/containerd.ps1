# containerd.ps1: containerd as a service. Repeatable.
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
$proxies = 'C:\ProgramData\Jeroboam\node\proxies'
if (Test-Path -LiteralPath $proxies) {
    Set-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Services\containerd' -Name Environment -Type MultiString -Value @(Get-Content -LiteralPath $proxies)
}
Set-Service containerd -StartupType Automatic
Start-Service containerd
