package d4iot;

import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
  /** Null where the process is somebody else's; so are its notes. */
  private final Process process;

  private final Notes notes;

  private D4iotDouble(String url, Process process, Notes notes) {
    this.url = url.replaceAll("/*(/v1)?/*$", "");
    this.process = process;
    this.notes = notes;
    this.token = token();
    HttpResponse<String> answer = ask("GET", "/v1/ca.pem", null, Duration.ZERO);
    this.ca = answer.statusCode() == 200 ? answer.body() : null;
  }

  /** Connects to the control API, or starts a process. */
  public static D4iotDouble start() {
    String given = System.getenv("D4IOT_DOUBLE_URL");
    if (given != null && !given.isEmpty()) return new D4iotDouble(given, null, null);
    String named = System.getenv("D4IOT_DOUBLE_BIN");
    boolean isNamed = named != null && !named.isEmpty();
    String binary = isNamed ? named : "d4iot-double";
    try {
      // It ends when its standard input is closed, as it is when this process ends.
      Process process = new ProcessBuilder(binary, "serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin").start();
      Notes notes = new Notes(process.getErrorStream());
      String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
      if (line == null || !line.startsWith("ready control ")) {
        // Its streams are closed with it, so they are read first.
        String said = (line == null ? "" : line + "\n") + notes.all();
        process.destroyForcibly();
        throw new IllegalStateException(binary + " serve did not start: " + said);
      }
      return new D4iotDouble(line.substring("ready control ".length()), process, notes);
    } catch (IOException error) {
      String text = isNamed ? "D4IOT_DOUBLE_BIN names no command that can be run: " + error.getMessage() : error.getMessage() + "; D4IOT_DOUBLE_BIN can name the command";
      throw new UncheckedIOException(text, error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(error);
    }
  }

  /** Makes an appliance, {@code sensor} or {@code console}, from the keys of a fixture. A {@link Duration} is written in milliseconds. */
  public Appliance appliance(String kind, Map<String, ?> fixture) {
    return appliance(kind, Json.element(fixture).getAsJsonObject());
  }

  Appliance appliance(String kind, JsonObject fixture) {
    fixture.addProperty("appliance", kind);
    long noted = notes == null ? 0 : notes.count();
    return new Appliance(this, send("POST", "/v1/appliances", fixture, Duration.ZERO), noted);
  }

  /** The URL of the control API, as {@code http://127.0.0.1:40123}; a token, if there is one, is sent as {@code Authorization: Bearer …}. */
  public String controlUrl() {
    return url;
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

  /** The last lines that the process wrote on its standard error after so many; none if it is somebody else's. */
  List<String> notes(long since) {
    return notes == null ? List.of() : notes.since(since);
  }

  /** Sends one request. Returns the JSON of its answer, null if that is empty. */
  JsonObject send(String method, String path, Object body, Duration wait) {
    HttpResponse<String> answer = ask(method, path, body, wait);
    if (answer.statusCode() >= 300) throw new ControlException(answer.statusCode(), answer.body());
    return Json.GSON.fromJson(answer.body(), JsonObject.class);
  }

  private HttpResponse<String> ask(String method, String path, Object body, Duration wait) {
    HttpRequest.BodyPublisher content = body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(Json.GSON.toJson(Json.element(body)));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path)).method(method, content).header("Content-Type", "application/json").timeout(Duration.ofSeconds(30).plus(wait));
    if (token != null && !token.isEmpty()) request.header("Authorization", "Bearer " + token);
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException error) {
      throw new UncheckedIOException("the control API" + source() + " at " + url + " does not answer: " + error, error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(error);
    }
  }

  private URI uri(String path) {
    try {
      URI uri = new URI(url + path);
      if (uri.getHost() != null) return uri;
    } catch (URISyntaxException error) {
      // As below.
    }
    throw new IllegalArgumentException("not the URL of a control API" + (process == null ? ", though D4IOT_DOUBLE_URL names it: " : ": ") + url);
  }

  private String source() {
    return process == null ? " that D4IOT_DOUBLE_URL names" : "";
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
