package d4iot;

/** A mistake of the client, and what to do about it. */
public final class Finding {
  /** Its name, as {@code no_content_type}. */
  public String name;

  /** What to do. */
  public String advice;

  @Override
  public String toString() {
    return name + ": " + advice;
  }
}
