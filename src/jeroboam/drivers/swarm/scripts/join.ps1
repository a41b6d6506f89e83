# join.ps1 MANAGERS: until the swarm has this node. The join token is no argument of a process: everybody on a node can read those. Repeatable.
param([string]$Managers)
$ErrorActionPreference = 'Stop'
$node = Join-Path $env:ProgramData 'Jeroboam\node'
$own = Get-Content -LiteralPath (Join-Path $node 'join.json') -Raw | ConvertFrom-Json
$docker = Join-Path $env:ProgramFiles 'docker\docker.exe'
$ascii = [Text.Encoding]::ASCII

function Get-State() {
    return [string](& $docker info --format '{{.Swarm.LocalNodeState}}')
}

function Get-Bytes([string]$Text) {
    return , [Convert]::FromBase64String($Text)
}

function Get-Identity() {
    $point = New-Object Security.Cryptography.ECPoint
    $point.X = Get-Bytes $own.x
    $point.Y = Get-Bytes $own.y
    $numbers = New-Object Security.Cryptography.ECParameters
    $numbers.Curve = [Security.Cryptography.ECCurve]::CreateFromFriendlyName('nistP256')
    $numbers.Q = $point
    $numbers.D = Get-Bytes $own.d
    $key = [Security.Cryptography.ECDsa]::Create($numbers)
    $bare = New-Object Security.Cryptography.X509Certificates.X509Certificate2 (, (Get-Bytes $own.cert))
    $both = [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::CopyWithPrivateKey($bare, $key)
    # Schannel takes no key that lies in memory alone.
    $packed = $both.Export([Security.Cryptography.X509Certificates.X509ContentType]::Pfx)
    return New-Object Security.Cryptography.X509Certificates.X509Certificate2 $packed, '', 'MachineKeySet'
}

function Test-Manager($Shown) {
    # Whether it is a manager of this cluster: signed by the cluster's own authority, which no store of the system knows.
    if ($null -eq $Shown) { return $false }
    $their = New-Object Security.Cryptography.X509Certificates.X509Certificate2 $Shown
    $chain = New-Object Security.Cryptography.X509Certificates.X509Chain
    $chain.ChainPolicy.RevocationMode = 'NoCheck'
    $chain.ChainPolicy.VerificationFlags = 'AllowUnknownCertificateAuthority'
    foreach ($der in $own.trusted) {
        $chain.ChainPolicy.ExtraStore.Add((New-Object Security.Cryptography.X509Certificates.X509Certificate2 (, (Get-Bytes $der)))) | Out-Null
    }
    if (-not $chain.Build($their)) { return $false }
    $root = [Convert]::ToBase64String($chain.ChainElements[$chain.ChainElements.Count - 1].Certificate.RawData)
    return (@($own.trusted) -contains $root) -and ($their.GetNameInfo('SimpleName', $false) -eq 'manager')
}

function Get-Token($Identity) {
    $client = New-Object Net.Sockets.TcpClient
    try {
        $client.Connect($Managers, 2378)
        $client.ReceiveTimeout = 10000
        $check = [Net.Security.RemoteCertificateValidationCallback] { param($from, $shown, $chain, $faults) Test-Manager $shown }
        $stream = New-Object Net.Security.SslStream ($client.GetStream()), $false, $check
        $mine = New-Object Security.Cryptography.X509Certificates.X509CertificateCollection
        $mine.Add($Identity) | Out-Null
        $stream.AuthenticateAsClient('manager', $mine, [Security.Authentication.SslProtocols]::Tls12, $false)
        return (New-Object IO.StreamReader $stream).ReadToEnd().Trim()
    } finally {
        $client.Close()
    }
}

function Join-Swarm([string]$Token) {
    # Source: Docker Engine API v1.41, POST /swarm/join
    $address = [string](Find-NetRoute -RemoteIPAddress $Managers | Select-Object -First 1).IPAddress
    $wish = @{ ListenAddr = "${address}:2377"; AdvertiseAddr = $address; RemoteAddrs = @("${Managers}:2377"); JoinToken = $Token }
    $body = ConvertTo-Json -InputObject $wish -Compress
    $head = "POST /v1.41/swarm/join HTTP/1.0`r`nHost: docker`r`nContent-Type: application/json`r`nContent-Length: $($body.Length)`r`n`r`n"
    $pipe = New-Object IO.Pipes.NamedPipeClientStream '.', 'docker_engine', 'InOut'
    try {
        $pipe.Connect(10000)
        $bytes = $ascii.GetBytes($head + $body)
        $pipe.Write($bytes, 0, $bytes.Length)
        $pipe.Flush()
        $first = (New-Object IO.StreamReader $pipe).ReadLine()
    } finally {
        $pipe.Dispose()
    }
    Write-Output "the engine says: $first" | Out-Host
}

$identity = Get-Identity
while ((Get-State) -ne 'active') {
    try {
        if ((Get-State) -ne 'pending') {
            $token = Get-Token $identity
            if ($token -ne '') { Join-Swarm $token }
        }
    } catch {
        Write-Output "not yet: $_"
    }
    Start-Sleep -Seconds 1
}
