package d4iot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(D4iot.class)
class ApplianceTest {
  private static HttpRequest request(Appliance appliance, String operation, String more) {
    return HttpRequest.newBuilder(URI.create(appliance.url() + operation))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{\"username\":\"test\",\"password\":\"Test12345!\"" + more + "}"))
        .build();
  }

  private static HttpRequest change(Appliance sensor) {
    return request(sensor, "/api/external/authentication/set_password", ",\"new_password\":\"Later12345!\"");
  }

  private static int validate(Appliance sensor) throws Exception {
    return sensor.httpClient().send(request(sensor, "/api/external/authentication/validation", ""), HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  @Test
  void aLostAnswerLeavesTheNewPassword(@Sensor Appliance s) {
    s.fail("commit_then_reset");

    assertThrows(IOException.class, () -> s.httpClient().send(change(s), HttpResponse.BodyHandlers.ofString()));

    assertTrue(s.passwordIs("test", "Later12345!"));
    assertFalse(s.passwordIs("test", "Test12345!"));
    List<Entry> entries = s.requests(Map.of("failure", "commit_then_reset"));
    assertEquals(1, entries.size());
    assertEquals("cut", entries.get(0).state);
    assertTrue(entries.get(0).changed);
    assertEquals("POST", entries.get(0).request.method);
    assertEquals(Set.of("password", "new_password"), entries.get(0).fingerprints.keySet());
    assertTrue(s.journal().contains("set_password by \"test\" → password_replaced"), s.journal());
    assertTrue(s.journal().contains("under failure mode commit_then_reset"), s.journal());
    assertFalse(s.journal().contains("Later12345!"));
  }

  @Test
  void aConsoleHasItsOwnPaths(@Console Appliance c) throws Exception {
    HttpRequest request = request(c, "/external/authentication/validation", "");
    assertEquals(200, c.httpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
  }

  @Test
  void aFixtureGivesUsersAndFailuresAreDisarmed(
      @Sensor("{\"users\": [{\"username\": \"test\", \"password\": \"Test12345!\", \"role\": \"read_only\"}]}") Appliance s) throws Exception {
    s.fail("busy", Map.of("on", "validation", "do", Map.of("status", 503)));
    assertEquals(503, validate(s));
    s.disarm("busy");
    s.changeUser("test", Map.of("state", "locked"));
    assertEquals(401, validate(s));
    s.reset();
    assertEquals(200, validate(s));
    assertEquals(1, s.requests("validation").size());
  }

  @Test
  void aDelayedAnswerComesWhenTheClockMoves(@Sensor Appliance s) throws Exception {
    s.fail("late", Map.of("do", Map.of("delay", Duration.ofHours(1))));
    s.freeze();
    CompletableFuture<HttpResponse<String>> answer = s.httpClient().sendAsync(change(s), HttpResponse.BodyHandlers.ofString());
    s.waitFor(Map.of("operation", "set_password", "state", "open"), 1, Duration.ofSeconds(10));
    s.advance(Duration.ofHours(1));
    assertEquals(200, answer.get().statusCode());
  }

  @Test
  void errorsHaveAHint(@Sensor Appliance s) {
    ControlException typo = assertThrows(ControlException.class, () -> s.fail("commit_then_rest"));
    assertTrue(typo.getMessage().contains("did you mean `commit_then_reset`"), typo.getMessage());
    Duration soon = Duration.ofMillis(10);
    assertEquals(409, assertThrows(ControlException.class, () -> s.waitFor(Map.of(), 1, soon)).status());
  }

  @Test
  void twoAppliancesOfATestDiffer(@Sensor Appliance one, @Sensor Appliance other) {
    assertFalse(one.url().equals(other.url()));
    other.close();
    assertThrows(ControlException.class, () -> other.requests("validation"));
    assertEquals(List.of(), one.requests("validation"));
  }

  @Test
  void findingsAreTheClientsMistakes(@Sensor Appliance s) throws Exception {
    URI uri = URI.create(s.url() + "/api/external/authentication/validation");
    HttpRequest bare = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString("{}")).build();
    s.httpClient().send(bare, HttpResponse.BodyHandlers.ofString());

    assertTrue(s.findings().stream().anyMatch(finding -> finding.name.equals("no_content_type") && !finding.advice.isEmpty()), s.findings().toString());
    assertEquals(415, s.requests("validation").get(0).status);
  }

  @Test
  void theControlApiIsAskedForWhatHasNoMethod(@Sensor Appliance s) throws Exception {
    HttpRequest users = HttpRequest.newBuilder(URI.create(s.controlUrl() + "/users")).build();
    // The one of the run may want a token, which `.ci/package` gives.
    int status = HttpClient.newHttpClient().send(users, HttpResponse.BodyHandlers.ofString()).statusCode();
    assertEquals(System.getenv("D4IOT_DOUBLE_CONTROL_TOKEN") == null ? 200 : 401, status);
  }

  @Test
  void valuesAreWrittenAsJson() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("wait", Duration.ofSeconds(2));
    all.put("list", List.of(1, 2L, 2.5, true, "x\"→"));
    all.put("none", null);
    assertEquals("{\"wait\":\"2000ms\",\"list\":[1,2,2.5,true,\"x\\\"→\"]}", Json.GSON.toJson(Json.element(all)));

    Exception wrong = assertThrows(IllegalArgumentException.class, () -> Json.element(Map.of("at", LocalDate.EPOCH)));
    assertTrue(wrong.getMessage().contains("a java.time.LocalDate cannot be written as JSON"), wrong.getMessage());
  }

  @Test
  void whatIsNotJsonIsShown() {
    for (String wrong : List.of("{\"lockout\": }", "{", "[]", "5", "{} {}", "{\"a\" 1}")) {
      Exception error = assertThrows(IllegalArgumentException.class, () -> Json.object(wrong), wrong);
      assertTrue(error.getMessage().startsWith("not a JSON object: " + wrong + "\n"), error.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> Json.object(""));
  }

  /** Makes an appliance in a process of its own. */
  static final class MakesOne {
    public static void main(String[] arguments) {
      try (D4iotDouble server = D4iotDouble.start(); Appliance made = server.appliance("sensor", Map.of())) {
        System.out.println("made " + made.requests(Map.of()));
      } catch (RuntimeException error) {
        System.out.println(error.getMessage());
      }
    }
  }

  private static String another(Map<String, String> environment) throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder = new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), MakesOne.class.getName()).redirectErrorStream(true);
    builder.environment().remove("D4IOT_DOUBLE_URL");
    builder.environment().putAll(environment);
    return new String(builder.start().getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void theUrlOfAControlApiMayEndWithV1(@Sensor Appliance s) throws Exception {
    String api = s.controlUrl().replaceAll("/v1/.*", "");
    for (String end : List.of("", "/", "/v1", "/v1/")) {
      assertEquals("made []\n", another(Map.of("D4IOT_DOUBLE_BIN", "/nowhere", "D4IOT_DOUBLE_URL", api + end)), end);
    }
  }

  @Test
  void whatCannotBeAskedOrStartedIsNamed() throws Exception {
    String refused = another(Map.of("D4IOT_DOUBLE_URL", "http://127.0.0.1:2/v1"));
    assertTrue(refused.startsWith("the control API that D4IOT_DOUBLE_URL names at http://127.0.0.1:2 does not answer: java.net.ConnectException"), refused);
    assertEquals("not the URL of a control API, though D4IOT_DOUBLE_URL names it: 127.0.0.1:9443\n", another(Map.of("D4IOT_DOUBLE_URL", "127.0.0.1:9443")));
    String missing = another(Map.of("D4IOT_DOUBLE_BIN", "/nowhere"));
    assertTrue(missing.startsWith("D4IOT_DOUBLE_BIN names no command that can be run: ") && missing.contains("\"/nowhere\""), missing);
    assertTrue(another(Map.of("D4IOT_DOUBLE_BIN", "", "PATH", "/nowhere")).contains("D4IOT_DOUBLE_BIN can name the command"));
    String other = another(Map.of("D4IOT_DOUBLE_BIN", "/bin/cat"));
    assertTrue(other.startsWith("/bin/cat serve did not start: /bin/cat: "), other);
  }
}
