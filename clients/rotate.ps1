# UNCHECKED: there is no PowerShell here, so neither it nor `d4iot-double sweep` has seen this file. Sweep it before you use it.
#
# Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. PowerShell 7.4 or later.
# Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$prefix = if ($env:D4IOT_KIND -eq 'console') { '/external/authentication/' } else { '/api/external/authentication/' }
$seconds = if ($env:D4IOT_TIMEOUT) { [double]$env:D4IOT_TIMEOUT } else { 5 }
$handler = [System.Net.Http.SocketsHttpHandler]::new()
$handler.AllowAutoRedirect = $false
$handler.UseProxy = $false
$policy = [System.Security.Cryptography.X509Certificates.X509ChainPolicy]::new()
$policy.TrustMode = 'CustomRootTrust'
$policy.RevocationMode = 'NoCheck'
$policy.CustomTrustStore.ImportFromPemFile($env:D4IOT_CA)
$handler.SslOptions.CertificateChainPolicy = $policy
$client = [System.Net.Http.HttpClient]::new($handler)
$client.Timeout = [TimeSpan]::FromSeconds($seconds) # PostAsync reads the whole body, so this includes it

# Sends one request. Returns status and body; an empty text if no JSON object came in time.
function Send([string]$Operation, [hashtable]$Body) {
    try {
        $json = $Body | ConvertTo-Json -Compress
        $content = [System.Net.Http.StringContent]::new($json, [System.Text.Encoding]::UTF8, 'application/json')
        $answer = $client.PostAsync($env:D4IOT_URL + $prefix + $Operation, $content).GetAwaiter().GetResult()
        $text = $answer.Content.ReadAsStringAsync().GetAwaiter().GetResult()
        return @{ Status = [int]$answer.StatusCode; Json = ($text | ConvertFrom-Json -AsHashtable) }
    } catch {
        return @{ Status = 0; Json = @{} }
    }
}

# Asks whether a password is valid: 'yes', 'no', or 'unknown' if the answer says neither.
function Test-Password([string]$Password) {
    $answer = Send 'validation' @{ username = $env:USERNAME; password = $Password }
    if ($answer.Json -isnot [hashtable]) { return 'unknown' }
    if ($answer.Status -eq 200 -and "$($answer.Json['msg'])".StartsWith('Authentication succeeded')) { return 'yes' }
    if (($answer.Json | ConvertTo-Json -Depth 5) -match 'credentials validation failed') { return 'no' } # in any case
    return 'unknown'
}

function Invoke-Reconcile {
    # An administrator may set the same password twice: an earlier run does not matter.
    $body = @{ admin_username = $env:ADMIN_USERNAME; admin_password = $env:ADMIN_PASSWORD; username = $env:USERNAME; new_password = $env:NEW_PASSWORD }
    $null = Send 'set_password_by_admin' $body
    return (Test-Password $env:NEW_PASSWORD) -eq 'yes'
}

function Invoke-Change {
    $old = Test-Password $env:PASSWORD
    if ($old -eq 'unknown') { return $false } # so nothing is changed
    if ($old -eq 'yes') { # once, whatever comes back
        $null = Send 'set_password' @{ username = $env:USERNAME; password = $env:PASSWORD; new_password = $env:NEW_PASSWORD }
    }
    $new = Test-Password $env:NEW_PASSWORD # also where the old one was refused: an earlier run may have set it
    if ($new -ne 'no') { return $new -eq 'yes' }
    if ($old -eq 'yes') { $old = Test-Password $env:PASSWORD }
    # Neither is valid. No more sign-ins of this user: five refusals lock an address out.
    return $old -eq 'no' -and $env:ADMIN_USERNAME -and (Invoke-Reconcile)
}

$done = switch ($env:D4IOT_OPERATION) {
    'change' { Invoke-Change }
    'reconcile' { Invoke-Reconcile }
    'verify' { (Test-Password $env:PASSWORD) -eq 'yes' }
    default { $false }
}
if ($done) { Write-Output 'done: the password is valid'; exit 0 }
[Console]::Error.WriteLine('not done: run again with the same passwords')
exit 1
