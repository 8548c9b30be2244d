// UNCHECKED: there is no .NET toolchain here, so neither a compiler nor `d4iot-double sweep` has seen this file. Sweep it before you use it.
//
// Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. .NET 8 or later.
// Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.

using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

static string? Env(string name) => Environment.GetEnvironmentVariable(name);

string? user = Env("USERNAME"), old = Env("PASSWORD"), next = Env("NEW_PASSWORD"), admin = Env("ADMIN_USERNAME");
var prefix = Env("D4IOT_KIND") == "console" ? "/external/authentication/" : "/api/external/authentication/";
var roots = new X509Certificate2Collection();
roots.ImportFromPemFile(Env("D4IOT_CA")!);
var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
// PostAsync reads the whole body, so this time-out includes it.
using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(double.Parse(Env("D4IOT_TIMEOUT") ?? "5")) };

// Sends one request. Returns the status and the body; 0 if no JSON object came in time.
async Task<(int Status, JsonElement Json)> Send(string operation, object body)
{
    try
    {
        using var answer = await client.PostAsJsonAsync(Env("D4IOT_URL") + prefix + operation, body);
        var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        return json.ValueKind == JsonValueKind.Object ? ((int)answer.StatusCode, json) : (0, default);
    }
    catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException or InvalidOperationException)
    {
        return (0, default);
    }
}

// Asks whether a password is valid: true, false, or null if the answer says neither.
async Task<bool?> IsValid(string? password)
{
    var (status, json) = await Send("validation", new { username = user, password });
    if (status == 0) return null;
    var message = json.TryGetProperty("msg", out var msg) ? msg.ToString() : "";
    if (status == 200 && message.StartsWith("Authentication succeeded", StringComparison.Ordinal)) return true;
    return json.ToString().Contains("credentials validation failed", StringComparison.OrdinalIgnoreCase) ? false : null;
}

async Task<bool> Reconcile()
{
    // An administrator may set the same password twice: an earlier run does not matter.
    await Send("set_password_by_admin", new { admin_username = admin, admin_password = Env("ADMIN_PASSWORD"), username = user, new_password = next });
    return await IsValid(next) == true;
}

async Task<bool> Change()
{
    var isOld = await IsValid(old);
    if (isOld is null) return false; // nothing is known, so nothing is changed
    if (isOld == true) await Send("set_password", new { username = user, password = old, new_password = next }); // once, whatever comes back
    var isNew = await IsValid(next); // also where the old one was refused: an earlier run may have set it
    if (isNew != false) return isNew == true;
    if (isOld == true) isOld = await IsValid(old);
    // Neither is valid. No more sign-ins of this user: five refusals lock an address out.
    return isOld == false && admin is not null && await Reconcile();
}

var done = Env("D4IOT_OPERATION") switch
{
    "change" => await Change(),
    "reconcile" => await Reconcile(),
    "verify" => await IsValid(old) == true,
    _ => false,
};
Console.Error.WriteLine(done ? "done: the password is valid" : "not done: run again with the same passwords");
return done ? 0 : 1;
