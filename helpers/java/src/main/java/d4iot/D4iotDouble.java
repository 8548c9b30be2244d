package d4iot;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes appliances by a control API: the one that {@code D4IOT_DOUBLE_URL} names, or that of a process which ends with this one.
 * {@code D4IOT_DOUBLE_BIN} names the command to start; else it is looked for in PATH.
 */
public final class D4iotDouble implements AutoCloseable {
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();
  private final String url;
  private final String token;
  private final String ca;
  private final Process process;

  private D4iotDouble(String url, Process process) {
    this.url = url.replaceAll("/+$", "");
    this.process = process;
    this.token = token();
    HttpResponse<String> answer = ask("GET", "/v1/ca.pem", null, Duration.ZERO);
    this.ca = answer.statusCode() == 200 ? answer.body() : null;
  }

  /** Connects to the control API, or starts a process. */
  public static D4iotDouble start() {
    String given = System.getenv("D4IOT_DOUBLE_URL");
    if (given != null && !given.isEmpty()) return new D4iotDouble(given, null);
    String named = System.getenv("D4IOT_DOUBLE_BIN");
    String binary = named == null || named.isEmpty() ? "d4iot-double" : named;
    try {
      // It ends when its standard input is closed, as it is when this process ends.
      Process process =
          new ProcessBuilder(binary, "serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin", "--quiet")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
      if (line == null || !line.startsWith("ready control ")) {
        process.destroyForcibly();
        throw new IllegalStateException(binary + " serve did not start" + (line == null ? "" : ": " + line));
      }
      return new D4iotDouble(line.substring("ready control ".length()), process);
    } catch (IOException error) {
      throw new UncheckedIOException(error.getMessage() + "; D4IOT_DOUBLE_BIN can name the command", error);
    }
  }

  /** Makes an appliance, {@code sensor} or {@code console}, from the keys of a fixture. */
  public Appliance appliance(String kind, Map<String, ?> fixture) {
    Map<String, Object> body = new HashMap<>(fixture);
    body.put("appliance", kind);
    return new Appliance(this, Json.object(send("POST", "/v1/appliances", body, Duration.ZERO)));
  }

  /** The CA certificate as PEM; null if appliances are served without TLS. */
  public String ca() {
    return ca;
  }

  /** Ends the process, if one was started. */
  @Override
  public void close() {
    if (process == null) return;
    try {
      process.getOutputStream().close();
      process.waitFor();
    } catch (IOException | InterruptedException error) {
      process.destroyForcibly();
    }
  }

  /** Sends one request. Returns the JSON of its answer, null if that is empty. */
  Object send(String method, String path, Object body, Duration wait) {
    HttpResponse<String> answer = ask(method, path, body, wait);
    if (answer.statusCode() >= 300) throw new ControlException(answer.statusCode(), answer.body());
    return answer.body().isEmpty() ? null : Json.parse(answer.body());
  }

  private HttpResponse<String> ask(String method, String path, Object body, Duration wait) {
    HttpRequest.BodyPublisher content = body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(Json.text(body));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url + path)).method(method, content).header("Content-Type", "application/json").timeout(Duration.ofSeconds(30).plus(wait));
    if (token != null && !token.isEmpty()) request.header("Authorization", "Bearer " + token);
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException error) {
      throw new UncheckedIOException("the control API at " + url + " does not answer", error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(error);
    }
  }

  /** The token of the control API, from the variables that {@code serve} reads too. */
  private static String token() {
    String file = System.getenv("D4IOT_DOUBLE_CONTROL_TOKEN_FILE");
    if (file == null || file.isEmpty()) return System.getenv("D4IOT_DOUBLE_CONTROL_TOKEN");
    try {
      return Files.readString(Path.of(file)).strip();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
