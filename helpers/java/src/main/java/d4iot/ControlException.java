package d4iot;

import java.util.Map;

/** The control API refused a request. */
public final class ControlException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int status;

  ControlException(int status, String body) {
    super(message(status, body));
    this.status = status;
  }

  /** The status of HTTP. */
  public int status() {
    return status;
  }

  private static String message(int status, String body) {
    try {
      Map<String, Object> problem = Json.object(Json.parse(body));
      String text = problem.get("title") + ": " + problem.get("detail");
      return problem.get("hint") == null ? text : text + "\nhint: " + problem.get("hint");
    } catch (IllegalArgumentException | ClassCastException error) {
      return "status " + status;
    }
  }
}
