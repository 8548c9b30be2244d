package d4iot;

import com.google.gson.annotations.SerializedName;
import java.util.List;
import java.util.Map;

/** An entry of an appliance's journal: a request without passwords, what was made of it, and what was answered. */
public final class Entry {
  /** Its number, from 1. */
  public long number;

  /** What became of the answer: open, done, cut (by a failure mode or the server) or left (by the client). */
  public String state;

  /** When it came on the appliance's clock, in milliseconds. */
  @SerializedName("at_ms")
  public double atMs;

  /** When it came by the time of day: RFC 3339, in UTC. */
  public String time;

  /** The client's address. */
  public String source;

  /** The number of the connection. */
  public long connection;

  /** The operation; null if the request met none. */
  public String operation;

  /** What the client learnt; null if a failure mode sent something else. */
  public String outcome;

  /** What the appliance came to. */
  public String judged;

  /** Why. */
  public String reason;

  /** Whom it is about; null if nobody. */
  public String user;

  /** The failure mode that changed the answer; null if none did. */
  public String failure;

  /** The failure mode of the connection, whose certificate and TLS the client has accepted; null if there was none. */
  @SerializedName("connection_failure")
  public String connectionFailure;

  /** Whether a password was replaced. */
  public boolean changed;

  /** The status of the answer; null if there was none. */
  public Integer status;

  /** The body of the answer; null if there was none. */
  public String answer;

  /** How long the answer took, in milliseconds; null until it has ended. */
  @SerializedName("took_ms")
  public Double tookMs;

  /** What the client sent. */
  public Request request;

  /** Fingerprints of the passwords by their field: equal passwords have equal ones. */
  public Map<String, String> fingerprints;

  /** Mistakes of the client. */
  public List<Finding> findings;

  /** What may have been meant; null if the request met an operation. */
  public String suggestion;

  /** What a client sent. */
  public static final class Request {
    /** The method. */
    public String method;

    /** The version of HTTP. */
    public String version;

    /** Path and query. */
    public String target;

    /** Names and values, in the order of arrival. */
    public List<List<String>> headers;

    /** The body. */
    public String body;

    /** The length of the body, in bytes. */
    @SerializedName("body_bytes")
    public long bodyBytes;

    /** Whether {@link #body} is cut. */
    @SerializedName("body_cut")
    public boolean bodyCut;
  }

  /** Its lines of {@link Appliance#journal}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("  " + number + "  " + (operation == null ? request.method + " " + request.target : operation));
    if (user != null) text.append(" by \"").append(user).append('"');
    text.append(" → ").append(judged).append(": ").append(reason);
    if (failure != null) text.append("; under failure mode ").append(failure);
    text.append("\n     answer: ").append(status == null ? "no status" : status).append(", ").append(state);
    if (suggestion != null) text.append("\n     hint: ").append(suggestion);
    return text.toString();
  }
}
