package d4iot;

import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A mock appliance with its own port, users, failure modes, journal and clock. */
public final class Appliance implements AutoCloseable {
  private final D4iotDouble server;
  private final String name;
  private final String kind;
  private final String url;

  /** How many notes the process had written before. */
  private final long noted;

  Appliance(D4iotDouble server, JsonObject created, long noted) {
    this.server = server;
    this.name = created.get("name").getAsString();
    this.kind = created.get("kind").getAsString();
    this.url = created.get("url").getAsString();
    this.noted = noted;
  }

  /** Its name in the control API. */
  public String name() {
    return name;
  }

  /** Where it listens, as {@code https://127.0.0.1:40123}. */
  public String url() {
    return url;
  }

  /** The CA certificate as PEM; null without TLS. */
  public String ca() {
    return server.ca();
  }

  /** A context that trusts this appliance and nothing else. */
  public SSLContext sslContext() {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry("d4iot-double", CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(ca().getBytes(StandardCharsets.US_ASCII))));
      TrustManagerFactory trusts = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trusts.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trusts.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException error) {
      throw new IllegalStateException(error);
    }
  }

  /** A client with that context, and no proxy. */
  public HttpClient httpClient() {
    return HttpClient.newBuilder().sslContext(sslContext()).proxy(HttpClient.Builder.NO_PROXY).build();
  }

  /** Arms a ready-made failure mode; {@code d4iot-double fixture modes} lists them. */
  public void fail(String mode) {
    send("PATCH", "/failures/" + encoded(mode), Map.of("armed", true));
  }

  /**
   * Adds a failure mode of your own: {@code fail("busy", Map.of("on", "set_password", "do", Map.of("status", 503)))}. Without "do" it is
   * the ready-made one of that name with other conditions. A {@link Duration} is written in milliseconds: {@code Map.of("do", Map.of("delay", Duration.ofSeconds(2)))}.
   */
  public void fail(String mode, Map<String, ?> keys) {
    Map<String, Object> body = new HashMap<>(keys);
    body.put("name", mode);
    send("POST", "/failures", body);
  }

  /** Disarms a failure mode: later requests are answered without it. */
  public void disarm(String mode) {
    send("PATCH", "/failures/" + encoded(mode), Map.of("armed", false));
  }

  /** Tells whether that is the user's password. It is not a sign-in: nothing is counted. */
  public boolean passwordIs(String user, String password) {
    return send("POST", "/users/" + encoded(user) + "/password-is", Map.of("password", password)).get("password_is").getAsBoolean();
  }

  /** Changes a user's password, role or state. */
  public void changeUser(String user, Map<String, String> change) {
    send("PATCH", "/users/" + encoded(user), change);
  }

  /** The journal's entries of an operation, in the order of arrival. */
  public List<Entry> requests(String operation) {
    return requests(Map.of("operation", operation));
  }

  /** The journal's entries that match: operation, outcome, judged, state, failure, user, path. */
  public List<Entry> requests(Map<String, String> filters) {
    return entries(send("GET", "/journal?" + query(filters), null));
  }

  /** Waits until so many matching requests have come, earlier ones included; after the time a {@link ControlException} with 409. */
  public List<Entry> waitFor(Map<String, String> filters, int count, Duration time) {
    Map<String, String> all = new TreeMap<>(filters);
    all.put("count", Integer.toString(count));
    all.put("timeout", time.toMillis() + "ms");
    return entries(server.send("GET", path("/journal/wait?" + query(all)), null, time));
  }

  /** Stops the appliance's clock: delayed answers come with {@link #advance}. */
  public void freeze() {
    send("POST", "/clock", Map.of("frozen", true));
  }

  /** Moves the appliance's clock forward. */
  public void advance(Duration by) {
    send("POST", "/clock", Map.of("advance", by.toMillis() + "ms"));
  }

  /** The client's mistakes that an answer does not show, each once; {@code src/journal/findings.yaml} of d4iot-double lists them. */
  public List<Finding> findings() {
    return Json.GSON.fromJson(send("GET", "/findings", null).get("findings"), new TypeToken<List<Finding>>() {}.getType());
  }

  /**
   * The URL of this appliance in the control API, for what has no method here: docs/control-api.md lists its resources. A token, if
   * there is one, is sent as {@code Authorization: Bearer …}.
   */
  public String controlUrl() {
    return server.controlUrl() + path("");
  }

  /** Returns to the fixture as it was loaded, with an empty journal. */
  public void reset() {
    send("POST", "/reset", null);
  }

  /** Closes the port and its connections, and deletes the appliance, if there still is one. */
  @Override
  public void close() {
    try {
      send("DELETE", "", null);
    } catch (ControlException error) {
      if (error.status() != 404) throw error;
    }
  }

  /** The journal as text, without passwords. */
  public String journal() {
    return text(requests(Map.of()));
  }

  /** The journal; if no request came, also what the process noted: a TLS handshake that failed, for instance. */
  String report() {
    List<Entry> entries = requests(Map.of());
    List<String> notes = entries.isEmpty() ? server.notes(noted) : List.of();
    return text(entries) + (notes.isEmpty() ? "" : "\nnotes of d4iot-double:\n  " + String.join("\n  ", notes));
  }

  private String text(List<Entry> entries) {
    String head = name + " (" + kind + ") " + url + ", requests: " + entries.size();
    return entries.stream().map(entry -> "\n" + entry).collect(Collectors.joining("", head, ""));
  }

  private JsonObject send(String method, String path, Object body) {
    return server.send(method, path(path), body, Duration.ZERO);
  }

  private String path(String rest) {
    return "/v1/appliances/" + encoded(name) + rest;
  }

  private static String query(Map<String, String> filters) {
    return filters.entrySet().stream().map(filter -> filter.getKey() + "=" + encoded(filter.getValue())).collect(Collectors.joining("&"));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static List<Entry> entries(JsonObject answer) {
    return Json.GSON.fromJson(answer.get("entries"), new TypeToken<List<Entry>>() {}.getType());
  }
}
