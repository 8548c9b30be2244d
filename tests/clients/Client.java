import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** One request with HttpClient. Reads URL, CA_FILE, BODY and TIMEOUT (seconds); prints one line, as every client here does. */
class Client {
    public static void main(String[] arguments) throws Exception {
        System.out.println(line());
        // The client's threads would keep a request alive that was given up.
        System.exit(0);
    }

    static String line() throws Exception {
        long millis = (long) (Double.parseDouble(System.getenv("TIMEOUT")) * 1000);
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("URL")))
                .timeout(Duration.ofMillis(millis))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(System.getenv("BODY")))
                .build();
        HttpClient client = HttpClient.newBuilder().sslContext(trusting(Path.of(System.getenv("CA_FILE")))).build();
        try {
            // The request's own time-out ends with the head: only the future's counts the body in.
            HttpResponse<String> answer =
                    client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).get(millis, TimeUnit.MILLISECONDS);
            // Java brings no JSON parser; the content type is what a client looks at first.
            boolean json = answer.headers().firstValue("content-type").orElse("").startsWith("application/json");
            return json ? "ok " + answer.statusCode() : "not-json";
        } catch (ExecutionException | TimeoutException error) {
            error.printStackTrace();
            return kind(error);
        }
    }

    static String kind(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            if (cause instanceof TimeoutException || cause instanceof HttpTimeoutException) return "timeout";
            if (cause instanceof CertificateException || cause instanceof CertPathValidatorException) return "certificate";
            if (message.contains("PKIX path building failed")) return "certificate";
            if (message.contains("bytes received")) return "truncated";
            if (cause instanceof SocketException && message.contains("reset")) return "reset";
            if (cause instanceof IOException && message.contains("Connection reset")) return "reset";
            if (message.contains("EOF reached")) return "closed";
        }
        return "other";
    }

    static SSLContext trusting(Path file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(file)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
