# control-plane-open.ps1 HOST PORT: until the API's port is open.
param([string]$ApiHost, [int]$ApiPort)
while ($true) {
    $client = New-Object Net.Sockets.TcpClient
    try {
        $client.Connect($ApiHost, $ApiPort)
        exit 0
    } catch {
        Start-Sleep -Seconds 1
    } finally {
        $client.Close()
    }
}
