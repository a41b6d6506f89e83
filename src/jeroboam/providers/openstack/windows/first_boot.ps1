
# The first boot of a Windows node, run by cloudbase-init. Above: $Signal (how to report), $Sealed (what to do, sealed), $Ca (of the cloud).
# Needs what Windows Server 2019 and later have: PowerShell 5.1 on .NET 4.7.2. What it does is what opening.py and report.py do elsewhere.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2.0
$ProgressPreference = 'SilentlyContinue'
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

$Mark = 'JEROBOAM/1'
$Node = Join-Path $env:ProgramData 'Jeroboam\node'
$Metadata = 'http://169.254.169.254/openstack/latest'
$WaitSeconds = 600
$CallSeconds = 20
$Utf8 = New-Object Text.UTF8Encoding $false
$Hash = [Security.Cryptography.HashAlgorithmName]::SHA256
$Curve = [Security.Cryptography.ECCurve]::CreateFromFriendlyName('nistP256')
$Way = $Signal | ConvertFrom-Json
$Server = ''
$ReportWord = ''
[byte[]]$ReportKey = @()

# --- bytes

function Get-Slice([byte[]]$Bytes, [int]$From, [int]$Length) {
    $part = New-Object byte[] $Length
    [Array]::Copy($Bytes, $From, $part, 0, $Length)
    return , $part
}

function Get-Hex([byte[]]$Bytes) {
    return [BitConverter]::ToString($Bytes).Replace('-', '').ToLowerInvariant()
}

function Get-Mac([byte[]]$Key, [byte[]]$Data) {
    $mac = New-Object Security.Cryptography.HMACSHA256 (, $Key)
    return , $mac.ComputeHash($Data)
}

function Get-Part([byte[]]$Key, [string]$Use) {
    [byte[]]$words = $Utf8.GetBytes($Use) + @([byte]1)
    return , (Get-Mac $Key $words)
}

function Test-Same([byte[]]$One, [byte[]]$Other) {
    $differs = $One.Length -bxor $Other.Length
    for ($i = 0; $i -lt [Math]::Min($One.Length, $Other.Length); $i++) { $differs = $differs -bor ($One[$i] -bxor $Other[$i]) }
    return ($differs -eq 0)
}

# --- files that nobody but the system and administrators may read, from their birth

function Set-Closed([string]$Path) {
    $grant = 'F'
    if (Test-Path -LiteralPath $Path -PathType Container) { $grant = '(OI)(CI)F' }
    & icacls.exe $Path /inheritance:r /grant:r "*S-1-5-18:$grant" "*S-1-5-32-544:$grant" | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls.exe $Path ended with $LASTEXITCODE" }
}

function New-ClosedFile([string]$Path, [byte[]]$Content, [bool]$Closed) {
    $folder = Split-Path -Parent $Path
    if (-not (Test-Path -LiteralPath $folder)) { New-Item -ItemType Directory -Force -Path $folder | Out-Null }
    $new = "$Path.part"
    [IO.File]::WriteAllBytes($new, (New-Object byte[] 0))
    if ($Closed) { Set-Closed $new }
    [IO.File]::WriteAllBytes($new, $Content)
    Move-Item -LiteralPath $new -Destination $Path -Force
}

# --- reports

function Get-Token() {
    $user = @{ id = $Way.user_id; password = $Way.password }
    $identity = @{ methods = @('password'); password = @{ user = $user } }
    $wish = @{ auth = @{ identity = $identity; scope = @{ project = @{ id = $Way.project_id } } } }
    $root = $Way.auth_url.TrimEnd('/') -replace '/v[0-9.]+$', ''
    $answer = Send-Json "$root/v3/auth/tokens" $wish @{}
    return [string]$answer.Headers['X-Subject-Token']
}

function Send-Json([string]$Uri, $Body, $Headers) {
    $bytes = $Utf8.GetBytes((ConvertTo-Json -InputObject $Body -Depth 8 -Compress))
    return Invoke-WebRequest -UseBasicParsing -Method Post -Uri $Uri -Headers $Headers -ContentType 'application/json' -Body $bytes -TimeoutSec $CallSeconds
}

function Send-Report([string]$Text, [int]$Tries) {
    if ($Text.Length -gt 8000) { $Text = $Text.Substring($Text.Length - 8000) }
    Write-Output $Text | Out-Host
    if ($ReportKey.Length -gt 0) {
        $tag = Get-Hex (Get-Mac $ReportKey ($Utf8.GetBytes("$Server $Text")))
        $Text = "$Text`n$Mark tag $ReportWord $tag"
    }
    $report = @{ id = $Server; status = 'SUCCESS'; reason = 'report'; data = $Text }
    for ($try = 0; $try -lt $Tries; $try++) {
        try {
            Send-Json $Way.alarm_url $report @{ 'X-Auth-Token' = (Get-Token) } | Out-Null
            return $true
        } catch {
            Write-Output "not told: $_" | Out-Host
            if ($try + 1 -lt $Tries) { Start-Sleep -Seconds ([Math]::Min([Math]::Pow(2, $try), 30)) }
        }
    }
    return $false
}

# --- the key of this boot

function New-Parameters([byte[]]$Point, [byte[]]$Secret) {
    $q = New-Object Security.Cryptography.ECPoint
    $q.X = Get-Slice $Point 0 32
    $q.Y = Get-Slice $Point 32 32
    $parameters = New-Object Security.Cryptography.ECParameters
    $parameters.Curve = $Curve
    $parameters.Q = $q
    if ($Secret.Length -gt 0) { $parameters.D = $Secret }
    return $parameters
}

function Get-Pair() {
    # It lasts until the boot is open: the metadata service takes no other.
    $path = Join-Path $Node 'pair'
    if (-not (Test-Path -LiteralPath $path)) {
        $new = [Security.Cryptography.ECDiffieHellman]::Create($Curve).ExportParameters($true)
        New-ClosedFile $path ([byte[]]($new.Q.X + $new.Q.Y + $new.D)) $true
    }
    return , [IO.File]::ReadAllBytes($path)
}

function Send-Public([byte[]]$Shown) {
    $body = $Utf8.GetBytes([Convert]::ToBase64String($Shown))
    try {
        Invoke-WebRequest -UseBasicParsing -Method Post -Uri "$Metadata/password" -Body $body -TimeoutSec $CallSeconds | Out-Null
    } catch [Net.WebException] {
        $answer = $_.Exception.Response
        if ($null -eq $answer -or [int]$answer.StatusCode -ne 409) { throw }  # 409: it has ours already
    }
}

function Get-Metadata() {
    return Invoke-RestMethod -Uri "$Metadata/meta_data.json" -TimeoutSec $CallSeconds
}

function Get-Wrapped() {
    $found = Get-Metadata
    if ($null -eq $found.PSObject.Properties['meta']) { return '' }
    $mark = $found.meta.PSObject.Properties['jeroboam_key']
    if ($null -eq $mark) { return '' }
    return [string]$mark.Value
}

function Open-Wrapped([string]$Wrapped, [byte[]]$Pair) {
    $raw = [Convert]::FromBase64String($Wrapped)
    if ($raw.Length -ne 96) { throw 'what came is no key' }
    $ours = Get-Slice $Pair 0 64
    $theirs = Get-Slice $raw 0 64
    $own = [Security.Cryptography.ECDiffieHellman]::Create((New-Parameters $ours (Get-Slice $Pair 64 32)))
    $peer = [Security.Cryptography.ECDiffieHellman]::Create((New-Parameters $theirs @()))
    $salt = [Security.Cryptography.SHA256]::Create().ComputeHash([byte[]]($theirs + $ours))
    $mask = Get-Part ($own.DeriveKeyFromHmac($peer.PublicKey, $Hash, $salt)) 'jeroboam boot key'
    $key = Get-Slice $raw 64 32
    for ($i = 0; $i -lt 32; $i++) { $key[$i] = $key[$i] -bxor $mask[$i] }
    return , $key
}

function Test-Key([byte[]]$Key, [byte[]]$Bytes) {
    $rest = (Get-Slice $Bytes 0 16) + (Get-Slice $Bytes 48 ($Bytes.Length - 48))
    return Test-Same (Get-Slice $Bytes 16 32) (Get-Mac (Get-Part $Key 'tag') ([byte[]]$rest))
}

function Wait-Key([byte[]]$Bytes) {
    $pair = Get-Pair
    $nonce = Get-Slice $Bytes 0 16
    $shown = [byte[]]((Get-Slice $pair 0 64) + $nonce)
    $until = (Get-Date).AddSeconds($WaitSeconds)
    $askAt = Get-Date
    $why = 'nothing came'
    while ((Get-Date) -lt $until) {
        try {
            if ((Get-Date) -ge $askAt) {
                Send-Public $shown
                if (Send-Report "$Mark step key" 1) { $askAt = (Get-Date).AddSeconds(30) }
            }
            $wrapped = Get-Wrapped
            if ($wrapped -ne '') {
                $key = Open-Wrapped $wrapped $pair
                if (Test-Key $key $Bytes) { return , $key }
                $why = 'one came that does not fit: somebody else has written it'
            }
        } catch {
            $why = "$_"
        }
        Start-Sleep -Seconds 1
    }
    throw "no key for this boot within $WaitSeconds s: $why"
}

function Open-Sealed([byte[]]$Key, [byte[]]$Bytes) {
    # What `openssl enc -aes-256-cbc -pbkdf2 -iter 1` writes: Salted__, the salt, the rest.
    $secret = $Utf8.GetBytes((Get-Hex (Get-Part $Key 'cipher')))
    $salt = Get-Slice $Bytes 56 8
    $derived = (Get-Mac $secret ([byte[]]($salt + @(0, 0, 0, 1)))) + (Get-Mac $secret ([byte[]]($salt + @(0, 0, 0, 2))))
    $cipher = [Security.Cryptography.Aes]::Create()
    $cipher.Key = Get-Slice ([byte[]]$derived) 0 32
    $cipher.IV = Get-Slice ([byte[]]$derived) 32 16
    $packed = $cipher.CreateDecryptor().TransformFinalBlock($Bytes, 64, $Bytes.Length - 64)
    $from = New-Object IO.MemoryStream (, $packed)
    $unpacked = New-Object IO.MemoryStream
    (New-Object IO.Compression.GzipStream $from, ([IO.Compression.CompressionMode]::Decompress)).CopyTo($unpacked)
    return $Utf8.GetString($unpacked.ToArray()) | ConvertFrom-Json
}

# --- what there is to do

function Add-Trust() {
    if ($Ca.Trim() -eq '') { return }
    $store = New-Object Security.Cryptography.X509Certificates.X509Store 'Root', 'LocalMachine'
    $store.Open('ReadWrite')
    foreach ($found in [regex]::Matches($Ca, '(?s)-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----')) {
        $der = [Convert]::FromBase64String(($found.Groups[1].Value -replace '\s', ''))
        $store.Add((New-Object Security.Cryptography.X509Certificates.X509Certificate2 (, $der)))
    }
    $store.Close()
}

function Get-Quoted([string]$Word) {
    # As a C program splits its command line.
    if ($Word -ne '' -and $Word -notmatch '[\s"]') { return $Word }
    return '"' + (($Word -replace '(\\*)"', '$1$1\"') -replace '(\\+)$', '$1$1') + '"'
}

function Invoke-Step($Step) {
    $done = Join-Path $Node "done-$($Step.name)"
    if (Test-Path -LiteralPath $done) { return }
    Send-Report "$Mark step $($Step.name)" 1 | Out-Null
    $start = New-Object Diagnostics.ProcessStartInfo
    $start.FileName = $Step.argv[0]
    $start.Arguments = (@($Step.argv | Select-Object -Skip 1 | ForEach-Object { Get-Quoted $_ }) -join ' ')
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [Diagnostics.Process]::Start($start)
    $out = $process.StandardOutput.ReadToEndAsync()
    $err = $process.StandardError.ReadToEndAsync()
    $inTime = $process.WaitForExit(1000 * $Step.timeout_s)
    if (-not $inTime) { & taskkill.exe /T /F /PID $process.Id | Out-Null }
    $said = @()
    if ([Threading.Tasks.Task]::WaitAll(@($out, $err), 10000)) { $said = @(("$($out.Result)`n$($err.Result)" -split '\r?\n') | Where-Object { $_ -ne '' }) }
    if ($inTime -and $process.ExitCode -eq 0) {
        New-ClosedFile $done (New-Object byte[] 0) $false
        return
    }
    $why = "not finished after $($Step.timeout_s) seconds"
    if ($inTime) { $why = "exit code $($process.ExitCode): $($said | Select-Object -Last 1)" }
    $lines = @("----- last lines of $($Step.name)") + @($said | Select-Object -Last 40) + @("$Mark failed $($Step.name) $why")
    Send-Report ($lines -join "`n") 8 | Out-Null
    exit 1
}

function Start-Boot() {
    if (Test-Path -LiteralPath (Join-Path $Node 'done-all')) { return }
    New-Item -ItemType Directory -Force -Path $Node | Out-Null
    Set-Closed $Node
    Add-Trust
    $script:Server = [string](Get-Metadata).uuid
    $bytes = [Convert]::FromBase64String(($Sealed -replace '\s', ''))
    $key = Wait-Key $bytes
    $script:ReportWord = Get-Hex (Get-Slice $bytes 0 16)
    $script:ReportKey = Get-Part $key 'report'
    $boot = Open-Sealed $key $bytes
    Send-Report "$Mark begin" 1 | Out-Null
    foreach ($file in $boot.files) { New-ClosedFile $file.path ([Convert]::FromBase64String($file.content)) $file.closed }
    foreach ($step in $boot.steps) { Invoke-Step $step }
    New-ClosedFile (Join-Path $Node 'done-all') (New-Object byte[] 0) $false
    Remove-Item -LiteralPath (Join-Path $Node 'pair') -Force
    if (-not (Send-Report "$Mark done all" 8)) { throw 'the end of the boot could not be told' }
}

try {
    Start-Boot
} catch {
    $step = 'key'
    if ($ReportKey.Length -gt 0) { $step = 'boot' }
    Send-Report (("$Mark failed $step $_" -replace '\s+', ' ').Trim()) 8 | Out-Null
    exit 1
}
exit 0
