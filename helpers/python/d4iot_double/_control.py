"""Sends requests to the control API."""

from __future__ import annotations

import http.client
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Seconds until a request of the control API fails, beside the time that it is asked to wait.
TIMEOUT = 30.0

# pytest shows the line of the test, and none of this module.
__tracebackhide__ = True


class ControlError(Exception):
    """The control API refused a request. `status` is that of HTTP; `problem` is the answer (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        text = ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
        hint = f"\nhint: {problem['hint']}" if problem.get("hint") else ""
        super().__init__(f"{text or f'status {status}'}{hint}")
        self.status = status
        self.problem = problem


class Control:
    """The control API at `url`. Each request has its own connection, so threads may share it; no proxy is asked.

    `source` names the variable that the URL is from, for errors.
    """

    def __init__(self, url: str, source: str = "") -> None:
        self.url = re.sub(r"/*(/v1)?/*$", "", url)
        self._source = f" that {source} names" if source else ""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not the URL of a control API{self._source and f', though {source} names it'}: {url!r}")
        self._path = parts.path
        self._headers = {"Accept": "application/json"}
        token = _token()
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._address = (parts.hostname, parts.port)
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection

    def send(self, method: str, path: str, body: object = None, *, wait: float = 0.0) -> bytes:
        """Sends one request. Returns the body of its answer; raises ControlError if that is not a success."""
        headers = dict(self._headers)
        text = None
        if body is not None:
            text = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection = self._connect(*self._address, timeout=TIMEOUT + wait)
        try:
            connection.request(method, self._path + path, text, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionError(f"the control API{self._source} at {self.url} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise ControlError(answer.status, _problem(content))
        return content

    def json(self, method: str, path: str, body: object = None, *, wait: float = 0.0) -> Any:
        """Sends one request. Returns the JSON of its answer, or None if that is empty."""
        content = self.send(method, path, body, wait=wait)
        return json.loads(content) if content else None


def _problem(content: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _token() -> str | None:
    """Returns the token of the control API, from the variables that `serve` reads too."""
    file = os.environ.get("D4IOT_DOUBLE_CONTROL_TOKEN_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get("D4IOT_DOUBLE_CONTROL_TOKEN")
