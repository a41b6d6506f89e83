# kubelet-serves.ps1: until the kubelet says that it is well.
while ($true) {
    try {
        if ((Invoke-WebRequest -UseBasicParsing -Uri 'http://127.0.0.1:10248/healthz' -TimeoutSec 5).StatusCode -eq 200) { exit 0 }
    } catch {
        Start-Sleep -Seconds 1
    }
}
