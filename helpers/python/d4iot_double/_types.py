"""The shapes of the control API's JSON, as docs/control-api.md has them."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union

Kind = Literal["sensor", "console"]
Operation = Literal["validation", "set_password", "set_password_by_admin"]
State = Literal["open", "done", "cut", "left"]


class SentRequest(TypedDict):
    """A request as a client sent it, without passwords."""

    method: str
    version: str
    target: str
    headers: list[list[str]]
    body: str
    body_bytes: int
    body_cut: bool


class Finding(TypedDict):
    """A mistake of the client, and what to do about it."""

    name: str
    advice: str


class Entry(TypedDict):
    """An entry of an appliance's journal: a request, what was made of it, and what was answered."""

    number: int
    state: State
    at_ms: float
    time: str
    source: str
    connection: int
    operation: Union[Operation, None]
    outcome: Union[str, None]
    judged: str
    reason: str
    user: Union[str, None]
    failure: Union[str, None]
    connection_failure: Union[str, None]
    changed: bool
    status: Union[int, None]
    answer: Union[str, None]
    took_ms: Union[float, None]
    request: SentRequest
    fingerprints: dict[str, str]
    findings: list[Finding]
    suggestion: Union[str, None]


class Failure(TypedDict):
    """A failure mode of an appliance: whether it is armed, and how many requests it has seen and changed."""

    name: str
    armed: bool
    seen: int
    fired: int
    mode: dict[str, Any]


class Filters(TypedDict, total=False):
    """What entries of a journal are chosen by, beside their operation."""

    outcome: str
    judged: str
    state: State
    failure: str
    user: str
    path: str
