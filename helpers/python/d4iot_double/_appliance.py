"""One appliance of the control API."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ._control import ControlError
from ._types import Entry, Failure, Filters, Finding, Kind, Operation

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._double import Double

# pytest shows the line of the test, and none of this module.
__tracebackhide__ = True


class Appliance:
    """A mock appliance with its own port, users, failure modes, journal and clock. As a context manager it deletes itself."""

    #: Its name in the control API.
    name: str
    kind: Kind
    #: Where it listens, as `https://127.0.0.1:40123`.
    url: str

    def __init__(self, double: Double, created: dict[str, Any]) -> None:
        """Takes over what the control API says of an appliance; `Double.appliance` makes one."""
        self._double = double
        self.name = created["name"]
        self.kind = created["kind"]
        self.url = created["url"]
        self._path = f"/v1/appliances/{quote(self.name, safe='')}"
        self._noted = double._noted()

    def __repr__(self) -> str:
        return f"<Appliance {self.name} {self.url}>"

    def __enter__(self) -> Appliance:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.delete()

    @property
    def ca(self) -> str:
        """The path of the CA certificate (PEM), for `requests.post(…, verify=sensor.ca)`."""
        return self._double.ca

    @property
    def ca_pem(self) -> str:
        """The CA certificate as PEM."""
        return self._double.ca_pem

    def ssl_context(self) -> ssl.SSLContext:
        """Returns a context that trusts this appliance and nothing else."""
        return self._double.ssl_context()

    @property
    def control_url(self) -> str:
        """The URL of this appliance in the control API, for what has no method here: docs/control-api.md lists its resources.

        A token, if there is one, is sent as `Authorization: Bearer …`.
        """
        return self._double.control.url + self._path

    def fail(self, name: str, **mode: Any) -> Failure:
        """Arms a failure mode: a ready-made one by its name, also narrowed, or one of your own.

        `fail("commit_then_reset")`, `fail("rebooting", on="set_password")`, or `fail("busy", on="set_password", when={"times": 1}, do={"status": 503})`.
        """
        if mode:
            return self._json("POST", "/failures", {"name": name, **mode})
        return self._json("PATCH", f"/failures/{quote(name, safe='')}", {"armed": True})

    def disarm(self, name: str) -> Failure:
        """Disarms a failure mode: later requests are answered without it."""
        return self._json("PATCH", f"/failures/{quote(name, safe='')}", {"armed": False})

    def failures(self) -> list[Failure]:
        """Returns the failure modes with their counters."""
        return self._json("GET", "/failures")["failures"]

    def password_is(self, user: str, password: str) -> bool:
        """Tells whether that is the user's password. It is not a sign-in: nothing is counted, no lock-out comes nearer."""
        path = f"/users/{quote(user, safe='')}/password-is"
        return self._json("POST", path, {"password": password})["password_is"]

    def change_user(self, user: str, **change: Any) -> None:
        """Changes a user: `change_user("test", state="locked")`, or `password`, `role`."""
        self._json("PATCH", f"/users/{quote(user, safe='')}", change)

    def requests(self, operation: Operation | None = None, **filters: Unpack[Filters]) -> list[Entry]:
        """Returns the journal's entries in the order of arrival, filtered as docs/control-api.md has it."""
        query = _query(operation=operation, **filters)
        return self._json("GET", f"/journal{query}")["entries"]

    def wait_for(
        self, operation: Operation | None = None, *, count: int = 1, timeout: float = 10.0, **filters: Unpack[Filters]
    ) -> list[Entry]:
        """Waits until `count` such requests have come, earlier ones included, and returns them.

        Raises ControlError with the status 409 after `timeout` seconds.
        """
        query = _query(operation=operation, count=count, timeout=f"{round(timeout * 1000)}ms", **filters)
        return self._json("GET", f"/journal/wait{query}", wait=timeout)["entries"]

    def freeze(self) -> None:
        """Stops the appliance's clock: delayed answers come when `advance` is called."""
        self._json("POST", "/clock", {"frozen": True})

    def advance(self, seconds: float) -> None:
        """Moves the appliance's clock forward."""
        self._json("POST", "/clock", {"advance": f"{round(seconds * 1000)}ms"})

    def findings(self) -> list[Finding]:
        """Returns the client's mistakes that an answer does not show, each once, with what to do about it.

        `src/journal/findings.yaml` of d4iot-double lists them.
        """
        return self._json("GET", "/findings")["findings"]

    def explain(self, **request: Any) -> dict[str, Any]:
        """Returns what a request would get, and why; nothing is changed. `request` has `path`, `body` and so on."""
        return self._json("POST", "/explain", request)

    def state(self) -> dict[str, Any]:
        """Returns the appliance as a fixture, with its passwords."""
        return self._json("GET", "/state")

    def reset(self) -> None:
        """Returns to the fixture as it was loaded, with an empty journal."""
        self._json("POST", "/reset")

    def delete(self) -> None:
        """Closes the port and its connections, and deletes the appliance, if there still is one."""
        try:
            self._json("DELETE", "")
        except ControlError as error:
            if error.status != 404:
                raise

    def journal(self) -> str:
        """Returns the journal as text, a line for each request, without passwords."""
        return self._text(self.requests())

    def _report(self) -> str:
        """Returns the journal; if no request came, also what the process noted: a TLS handshake that failed, for instance."""
        entries = self.requests()
        notes = [] if entries else self._double._notes(self._noted)
        return "\n  ".join([self._text(entries) + ("\nnotes of d4iot-double:" if notes else ""), *notes])

    def _text(self, entries: list[Entry]) -> str:
        lines = [f"{self.name} ({self.kind}) {self.url}, requests: {len(entries)}"]
        for entry in entries:
            lines.extend(_lines(entry))
        return "\n".join(lines)

    def _json(self, method: str, path: str, body: object = None, *, wait: float = 0.0) -> Any:
        return self._double.control.json(method, self._path + path, body, wait=wait)


def _lines(entry: Entry) -> list[str]:
    """Returns the lines of one entry: what came and what was answered, then what to do about it."""
    asked = entry.get("operation") or f"{entry['request']['method']} {entry['request']['target']}"
    by = f' by "{entry["user"]}"' if entry.get("user") else ""
    line = f"  {entry['number']}  {asked}{by} → {entry['judged']}: {entry['reason']}"
    if entry.get("failure"):
        line += f"; under failure mode {entry['failure']}"
    told = entry.get("status") or "no status"
    lines = [line, f"     answer: {told}, {entry['state']}"]
    if entry.get("suggestion"):
        lines.append(f"     hint: {entry['suggestion']}")
    return lines


def _query(**filters: object) -> str:
    given = {key: value for key, value in filters.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
