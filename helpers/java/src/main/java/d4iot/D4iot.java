package d4iot;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests mock Defender for IoT appliances: {@code @ExtendWith(D4iot.class) class T { @Test void t(@Sensor Appliance s) { … } }}
 *
 * <p>One process serves all tests of a run. An appliance ends with its test; if that fails, its journal is printed.
 */
public final class D4iot implements ParameterResolver, AfterEachCallback {
  private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(D4iot.class);

  /** One of the whole run; JUnit closes it. */
  private static final class Shared implements ExtensionContext.Store.CloseableResource {
    final D4iotDouble server = D4iotDouble.start();

    @Override
    public void close() {
      server.close();
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Appliance.class && (parameter.isAnnotated(Sensor.class) || parameter.isAnnotated(Console.class));
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    D4iotDouble server = context.getRoot().getStore(SPACE).getOrComputeIfAbsent(Shared.class, key -> new Shared(), Shared.class).server;
    Appliance made =
        parameter
            .findAnnotation(Sensor.class)
            .map(sensor -> server.appliance("sensor", fixture(sensor.value())))
            .orElseGet(() -> server.appliance("console", fixture(parameter.findAnnotation(Console.class).orElseThrow().value())));
    made(context).add(made);
    return made;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    for (Appliance appliance : made(context)) {
      if (context.getExecutionException().isPresent()) System.err.println(appliance.journal());
      appliance.close();
    }
  }

  private static Map<String, Object> fixture(String json) {
    return Json.object(Json.parse(json));
  }

  @SuppressWarnings("unchecked")
  private static List<Appliance> made(ExtensionContext context) {
    return (List<Appliance>) context.getStore(SPACE).getOrComputeIfAbsent(Appliance.class, key -> new ArrayList<Appliance>(), List.class);
  }
}
