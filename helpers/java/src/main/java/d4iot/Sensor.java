package d4iot;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A parameter {@link Appliance} is a sensor of this test alone. */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface Sensor {
  /** The keys of a fixture as JSON, as {@code {"lockout": {"after": 5}}}. */
  String value() default "{}";
}
