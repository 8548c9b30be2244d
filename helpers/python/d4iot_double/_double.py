"""The process that serves appliances, or one that somebody else has started."""

from __future__ import annotations

import os
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ._appliance import Appliance
from ._binary import find_binary
from ._control import Control
from ._types import Kind

#: Seconds until `serve` must be ready.
START_TIMEOUT = 30.0
#: Seconds that a failing test waits for a note of the process, and how many it shows.
NOTE_TIME, SHOWN_NOTES = 0.3, 5

# pytest shows the line of the test, and none of this module.
__tracebackhide__ = True


class Double:
    """Makes appliances by a control API, on this machine or elsewhere.

    With `url`, or with the variable `D4IOT_DOUBLE_URL`, it uses that control API and starts nothing. Else it starts
    `d4iot-double serve`, which ends with `close`, and with this process however that ends.
    """

    control: Control

    def __init__(self, url: str | None = None) -> None:
        named = os.environ.get("D4IOT_DOUBLE_URL")
        self._folder = tempfile.TemporaryDirectory(prefix="d4iot-double-")
        self._process: subprocess.Popen[str] | None = None
        #: What `serve` writes on its standard error.
        self._log: Path | None = None
        self._lock = threading.Lock()
        self._ca_pem: str | None = None
        self._context: ssl.SSLContext | None = None
        try:
            if url or not named:
                self.control = Control(url or self._start())
            else:
                self.control = Control(named, "D4IOT_DOUBLE_URL")
        except BaseException:
            self.close()
            raise

    def _start(self) -> str:
        """Starts `serve`. Returns the URL of its control API."""
        log = Path(self._folder.name) / "serve.log"
        command = [find_binary(), "serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin"]
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")
        self._process = process
        self._log = log
        assert process.stdout is not None
        # A process that is never ready is ended, and the line below ends with it.
        timer = threading.Timer(START_TIMEOUT, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        ready, _, url = line.strip().rpartition(" ")
        if ready != "ready control":
            process.kill()
            process.wait()
            said = log.read_text(encoding="utf-8").strip()
            raise RuntimeError(f"{command[0]} serve did not start (exit code {process.returncode}): {said or line!r}")
        return url

    def _noted(self) -> int:
        """Returns how many bytes the process has written on its standard error."""
        return self._log.stat().st_size if self._log else 0

    def _notes(self, start: int) -> list[str]:
        """Returns the last lines that the process wrote after that many bytes; none if it is not ours.

        It waits a moment for the first, which the process writes after the client has failed.
        """
        if self._log is None:
            return []
        end = time.monotonic() + NOTE_TIME
        while True:
            text = self._log.read_bytes()[start:].decode("utf-8", "replace")
            # How to stop it is for people at a terminal.
            lines = [line for line in text.splitlines() if line and "Ctrl-C" not in line]
            if lines or time.monotonic() > end:
                return lines[-SHOWN_NOTES:]
            time.sleep(0.01)

    def __enter__(self) -> Double:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def appliance(self, kind: Kind, **fixture: Any) -> Appliance:
        """Makes an appliance from the keys of a fixture: `appliance("sensor", lockout={"after": 5}, use=["slow"])`."""
        return Appliance(self, self.control.json("POST", "/v1/appliances", {"appliance": kind, **fixture}))

    def sensor(self, **fixture: Any) -> Appliance:
        """Makes a sensor."""
        return self.appliance("sensor", **fixture)

    def console(self, **fixture: Any) -> Appliance:
        """Makes an on-premises management console."""
        return self.appliance("console", **fixture)

    @property
    def ca_pem(self) -> str:
        """The CA certificate as PEM. Raises ControlError with the status 404 if appliances are served without TLS."""
        with self._lock:
            if self._ca_pem is None:
                self._ca_pem = self.control.send("GET", "/v1/ca.pem").decode("ascii")
            return self._ca_pem

    @property
    def ca(self) -> str:
        """The path of a file with the CA certificate (PEM), which lasts until `close`."""
        pem = self.ca_pem
        path = Path(self._folder.name) / "ca.pem"
        with self._lock:
            if not path.exists():
                path.write_text(pem, encoding="ascii")
        return str(path)

    def ssl_context(self) -> ssl.SSLContext:
        """Returns a context that trusts the appliances and nothing else."""
        if self._context is None:
            self._context = ssl.create_default_context(cadata=self.ca_pem)
        return self._context

    def close(self) -> None:
        """Ends the process, if this object started one, and removes the file of the CA certificate."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()
