// Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. Run it with `java Rotate.java`, 17 or later.
//
// Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

class Rotate {
    static final String USER = System.getenv("USERNAME"), OLD = System.getenv("PASSWORD"), NEW = System.getenv("NEW_PASSWORD");
    static final String PREFIX = "console".equals(System.getenv("D4IOT_KIND")) ? "/external/authentication/" : "/api/external/authentication/";
    static final long MILLIS = (long) (1000 * Double.parseDouble(System.getenv().getOrDefault("D4IOT_TIMEOUT", "5")));
    static HttpClient client;

    /** Sends one request, with pairs of a name and a value. Returns status and body; an empty text if no answer came in time. */
    static String send(String operation, String... pairs) {
        StringBuilder body = new StringBuilder("{");
        for (int i = 0; i < pairs.length; i += 2) {
            body.append(i > 0 ? "," : "").append(quoted(pairs[i])).append(":").append(quoted(pairs[i + 1]));
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("D4IOT_URL") + PREFIX + operation))
                .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body + "}")).build();
        try {
            // The time-out of a request ends with the head; this one includes the body.
            HttpResponse<String> answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).get(MILLIS, TimeUnit.MILLISECONDS);
            return answer.statusCode() + " " + answer.body().strip();
        } catch (Exception error) {
            return "";
        }
    }

    static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> quoted.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : String.valueOf((char) c)));
        return quoted.append('"').toString();
    }

    /** Asks whether a password is valid; empty if the answer says neither. Java has no JSON parser: the whole body must be as expected. */
    static Optional<Boolean> isValid(String password) {
        String answer = send("validation", "username", USER, "password", password);
        if (answer.matches("200 \\{(\\s*\"msg\"\\s*:\\s*\"Authentication succeeded\\.?\"\\s*,?)+\\}")) return Optional.of(true);
        return answer.matches("(?is)\\d+ \\{.*credentials validation failed.*\\}") ? Optional.of(false) : Optional.empty();
    }

    static boolean reconcile() {
        // An administrator may set the same password twice: an earlier run does not matter.
        send("set_password_by_admin", "admin_username", System.getenv("ADMIN_USERNAME"), "admin_password", System.getenv("ADMIN_PASSWORD"),
                "username", USER, "new_password", NEW);
        return isValid(NEW).orElse(false);
    }

    static boolean change() {
        Optional<Boolean> old = isValid(OLD);
        if (old.isEmpty()) return false; // nothing is known, so nothing is changed
        boolean wasValid = old.get();
        if (wasValid) send("set_password", "username", USER, "password", OLD, "new_password", NEW); // once, whatever comes back
        Optional<Boolean> isNew = isValid(NEW); // also where the old one was refused: an earlier run may have set it
        if (isNew.isEmpty() || isNew.get()) return isNew.isPresent();
        if (wasValid) old = isValid(OLD);
        // Neither is valid. No more sign-ins of this user: five refusals lock an address out.
        return old.isPresent() && !old.get() && System.getenv("ADMIN_USERNAME") != null && reconcile();
    }

    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(Path.of(System.getenv("D4IOT_CA")))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        // It follows no redirect unless told to.
        client = HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_1_1).build();
        boolean done = switch (System.getenv("D4IOT_OPERATION")) {
            case "change" -> change();
            case "reconcile" -> reconcile();
            case "verify" -> isValid(OLD).orElse(false);
            default -> false;
        };
        System.err.println(done ? "done: the password is valid" : "not done: run again with the same passwords");
        System.exit(done ? 0 : 1); // also ends requests that were given up
    }
}
