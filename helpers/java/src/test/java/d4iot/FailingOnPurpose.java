package d4iot;

import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Run by {@code .ci/package java} by its name: it must fail, and print its journal. */
@ExtendWith(D4iot.class)
class FailingOnPurpose {
  @Test
  void fails(@Sensor Appliance s) {
    fail("on purpose");
  }
}
