package d4iot;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;

/** The JSON of the control API. */
final class Json {
  static final Gson GSON = new Gson();

  private Json() {}

  /** Returns the object that a text is; an IllegalArgumentException shows the text if it is none. */
  static JsonObject object(String text) {
    try {
      JsonObject object = GSON.fromJson(text, JsonObject.class);
      if (object != null) return object;
    } catch (JsonParseException error) {
      String why = (error.getCause() == null ? error : error.getCause()).getMessage().split("\n")[0];
      throw new IllegalArgumentException("not a JSON object: " + text + "\n" + why, error);
    }
    throw new IllegalArgumentException("not a JSON object: it is empty");
  }

  /** Returns a value as JSON: a duration in milliseconds as {@code "2000ms"}. An IllegalArgumentException names a type that has none. */
  static JsonElement element(Object value) {
    if (value == null) return JsonNull.INSTANCE;
    if (value instanceof JsonElement) return (JsonElement) value;
    if (value instanceof CharSequence) return new JsonPrimitive(value.toString());
    if (value instanceof Boolean) return new JsonPrimitive((Boolean) value);
    if (value instanceof Number) return new JsonPrimitive((Number) value);
    if (value instanceof Duration) return new JsonPrimitive(((Duration) value).toMillis() + "ms");
    if (value instanceof Object[]) return element(Arrays.asList((Object[]) value));
    if (value instanceof Iterable) {
      JsonArray items = new JsonArray();
      ((Iterable<?>) value).forEach(item -> items.add(element(item)));
      return items;
    }
    if (value instanceof Map) {
      JsonObject members = new JsonObject();
      ((Map<?, ?>) value).forEach((key, member) -> members.add(String.valueOf(key), element(member)));
      return members;
    }
    throw new IllegalArgumentException("a " + value.getClass().getName() + " cannot be written as JSON: use text, a number, a Boolean, a Duration, a Map or a List");
  }
}
