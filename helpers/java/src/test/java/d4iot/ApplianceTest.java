package d4iot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
    List<Map<String, Object>> entries = s.requests(Map.of("failure", "commit_then_reset"));
    assertEquals(1, entries.size());
    assertEquals("cut", entries.get(0).get("state"));
    assertEquals(true, entries.get(0).get("changed"));
    assertTrue(s.journal().contains("set_password by \"test\" → password_replaced"), s.journal());
    assertTrue(s.journal().contains("changed by failure mode commit_then_reset"), s.journal());
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
    s.fail("late", Map.of("do", Map.of("delay", "1h")));
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
  void jsonIsReadAndWritten() {
    String text = "{\"a\":[1,-2.5,true,null,\"x\\\"\\\\\\u000a→\"],\"b\":{},\"c\":[]}";
    assertEquals(text, Json.text(Json.parse(" " + text + "\n")));
    assertEquals("/\t", Json.parse("\"\\/\\t\""));
    for (String wrong : List.of("", "{", "[1", "\"a", "{\"a\" 1}", "[] x", "\"\\u00", "nul")) {
      assertThrows(IllegalArgumentException.class, () -> Json.parse(wrong), wrong);
    }
  }
}
