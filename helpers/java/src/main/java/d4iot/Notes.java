package d4iot;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The last lines that a process wrote on its standard error. */
final class Notes {
  private static final int KEPT = 50;
  private static final int SHOWN = 5;

  /** How long a failing test waits for the first note: the process writes it after the client has failed. */
  private static final Duration TIME = Duration.ofMillis(300);

  private final List<String> lines = new ArrayList<>();
  private final Thread reader;
  private long count;

  Notes(InputStream stream) {
    reader = new Thread(() -> read(stream), "d4iot-double notes");
    reader.setDaemon(true);
    reader.start();
  }

  private void read(InputStream stream) {
    try (BufferedReader text = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line; (line = text.readLine()) != null; ) add(line);
    } catch (IOException ended) {
      // The process was ended by force.
    }
  }

  private synchronized void add(String line) {
    // How to stop it is for people at a terminal.
    if (line.contains("Ctrl-C")) return;
    count++;
    lines.add(line);
    if (lines.size() > KEPT) lines.remove(0);
    notifyAll();
  }

  /** Returns how many lines there were until now, those that are kept no longer included. */
  synchronized long count() {
    return count;
  }

  /** Returns the last lines after that many; waits a moment for the first. */
  synchronized List<String> since(long before) {
    long end = System.nanoTime() + TIME.toNanos();
    try {
      for (long left = TIME.toMillis(); count == before && left > 0; left = (end - System.nanoTime()) / 1_000_000) wait(left);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
    int shown = (int) Math.min(count - before, Math.min(SHOWN, lines.size()));
    return List.copyOf(lines.subList(lines.size() - shown, lines.size()));
  }

  /** Returns all that is kept, once the stream has ended; waits a second for that. */
  String all() throws InterruptedException {
    reader.join(1000);
    synchronized (this) {
      return String.join("\n", lines);
    }
  }
}
