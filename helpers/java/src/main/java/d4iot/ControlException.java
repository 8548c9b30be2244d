package d4iot;

import com.google.gson.JsonParseException;

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
      Problem problem = Json.GSON.fromJson(body, Problem.class);
      if (problem != null && problem.title != null) {
        return problem.title + ": " + problem.detail + (problem.hint == null ? "" : "\nhint: " + problem.hint);
      }
    } catch (JsonParseException error) {
      // A proxy's page.
    }
    return "status " + status;
  }

  /** The answer to a request that is refused (RFC 9457). */
  private static final class Problem {
    String title;
    String detail;
    String hint;
  }
}
