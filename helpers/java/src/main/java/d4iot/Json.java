package d4iot;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Reads and writes the JSON of the control API, so that tests need no library: maps, lists, strings, booleans, numbers and null. */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** Returns the value of a JSON text: whole numbers as Long, others as Double. */
  static Object parse(String text) {
    Json reader = new Json(text);
    Object value = reader.value();
    reader.skip();
    if (reader.at < text.length()) throw reader.wrong();
    return value;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  static String text(Object value) {
    if (value instanceof Map) {
      return ((Map<?, ?>) value).entrySet().stream().map(member -> text(member.getKey()) + ":" + text(member.getValue())).collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof Iterable) {
      return StreamSupport.stream(((Iterable<?>) value).spliterator(), false).map(Json::text).collect(Collectors.joining(",", "[", "]"));
    }
    return value instanceof CharSequence ? quoted(value.toString()) : String.valueOf(value);
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') quoted.append('\\').append(c);
      else if (c < ' ') quoted.append(String.format("\\u%04x", (int) c));
      else quoted.append(c);
    }
    return quoted.append('"').toString();
  }

  private Object value() {
    skip();
    if (at == text.length()) throw wrong();
    switch (text.charAt(at)) {
      case '{':
        Map<String, Object> members = new LinkedHashMap<>();
        items('}', () -> {
          String key = string();
          take(':');
          members.put(key, value());
        });
        return members;
      case '[':
        List<Object> items = new ArrayList<>();
        items(']', () -> items.add(value()));
        return items;
      case '"':
        return string();
      default:
        return word();
    }
  }

  private void items(char end, Runnable item) {
    at++;
    skip();
    if (at < text.length() && text.charAt(at) == end) {
      at++;
      return;
    }
    do item.run();
    while (next(','));
    take(end);
  }

  private Object word() {
    int start = at;
    while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) at++;
    String word = text.substring(start, at);
    switch (word) {
      case "true":
        return true;
      case "false":
        return false;
      case "null":
        return null;
      default:
        return word.matches("-?[0-9]+") ? (Object) Long.valueOf(word) : (Object) Double.valueOf(word);
    }
  }

  private String string() {
    take('"');
    StringBuilder string = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"') {
      char c = text.charAt(at++);
      string.append(c == '\\' ? escaped() : c);
    }
    take('"');
    return string.toString();
  }

  private char escaped() {
    if (at == text.length()) throw wrong();
    char c = text.charAt(at++);
    int known = "bfnrt".indexOf(c);
    if (known >= 0) return "\b\f\n\r\t".charAt(known);
    if (c != 'u') return c;
    if (at + 4 > text.length()) throw wrong();
    at += 4;
    return (char) Integer.parseInt(text.substring(at - 4, at), 16);
  }

  private boolean next(char wanted) {
    skip();
    if (at == text.length() || text.charAt(at) != wanted) return false;
    at++;
    return true;
  }

  private void take(char wanted) {
    if (!next(wanted)) throw wrong();
  }

  private void skip() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
  }

  private IllegalArgumentException wrong() {
    return new IllegalArgumentException("not JSON at character " + at);
  }
}
