package d4iot;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests mock Defender for IoT appliances: {@code @ExtendWith(D4iot.class) class T { @Test void t(@Sensor Appliance s) { … } }}
 *
 * <p>One process serves all tests of a run. An appliance is a parameter of a test, or of {@code @BeforeEach}, and ends with the test; if
 * that fails, its journal is printed.
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
    if (context.getTestMethod().isEmpty()) {
      throw new ParameterResolutionException("an appliance belongs to one test: take it as a parameter of the test or of @BeforeEach, not of @BeforeAll, @AfterAll or a constructor");
    }
    D4iotDouble server = context.getRoot().getStore(SPACE).getOrComputeIfAbsent(Shared.class, key -> new Shared(), Shared.class).server;
    Appliance made =
        parameter
            .findAnnotation(Sensor.class)
            .map(sensor -> server.appliance("sensor", fixture("@Sensor", sensor.value())))
            .orElseGet(() -> server.appliance("console", fixture("@Console", parameter.findAnnotation(Console.class).orElseThrow().value())));
    made(context).add(made);
    return made;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    for (Appliance appliance : made(context)) {
      if (context.getExecutionException().isPresent()) System.err.println(name(context) + "\n" + appliance.report());
      appliance.close();
    }
  }

  /** The display names of the classes and of the test. */
  private static String name(ExtensionContext context) {
    Optional<ExtensionContext> parent = context.getParent().filter(outer -> outer != context.getRoot());
    return parent.map(outer -> name(outer) + " > ").orElse("") + context.getDisplayName();
  }

  private static JsonObject fixture(String annotation, String json) {
    try {
      return Json.object(json);
    } catch (IllegalArgumentException error) {
      throw new ParameterResolutionException("the fixture of " + annotation + " is " + error.getMessage(), error);
    }
  }

  @SuppressWarnings("unchecked")
  private static List<Appliance> made(ExtensionContext context) {
    return (List<Appliance>) context.getStore(SPACE).getOrComputeIfAbsent(Appliance.class, key -> new ArrayList<Appliance>(), List.class);
  }
}
