package d4iot;

import static org.junit.jupiter.api.Assertions.fail;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Run by {@code .ci/package java} by its name: each must fail, and say why. */
@ExtendWith(D4iot.class)
class FailingOnPurpose {
  @Test
  void fails(@Sensor Appliance s) {
    fail("on purpose");
  }

  @Test
  void trustsNothing(@Sensor Appliance s) throws Exception {
    HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(s.url())).build(), HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void isNotJson(@Sensor("{\"lockout\": }") Appliance s) {}

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class OfAll {
    @BeforeAll
    void before(@Console Appliance c) {}

    @Test
    void neverRuns() {}
  }
}
