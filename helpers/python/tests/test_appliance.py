"""What a test can do with an appliance."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable

import pytest

from d4iot_double import Appliance, ControlError, Double

OPERATIONS = {"sensor": "/api/external/authentication/", "console": "/external/authentication/"}


def send(appliance: Appliance, operation: str, **body: str) -> tuple[int, Any]:
    """Sends a request as a client does. Returns the status and the JSON of the answer."""
    request = urllib.request.Request(
        appliance.url + OPERATIONS[appliance.kind] + operation,
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=appliance.ssl_context())
    )
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "null")


def change(appliance: Appliance) -> tuple[int, Any]:
    return send(appliance, "set_password", username="test", password="Test12345!", new_password="Later12345!")


def test_a_sensor_changes_a_password(d4iot_sensor: Appliance) -> None:
    status, answer = change(d4iot_sensor)

    assert (status, answer) == (200, {"msg": "Password has been replaced"})
    assert d4iot_sensor.password_is("test", "Later12345!")
    assert not d4iot_sensor.password_is("test", "Test12345!")
    assert [entry["outcome"] for entry in d4iot_sensor.requests("set_password")] == ["password_replaced"]


def test_a_console_has_its_own_paths(d4iot_console: Appliance) -> None:
    status, _ = send(d4iot_console, "validation", username="test", password="Test12345!")

    assert status == 200
    assert len(d4iot_console.requests(outcome="authenticated", user="test")) == 1


def test_a_ready_made_failure_loses_the_answer(d4iot_sensor: Appliance) -> None:
    assert d4iot_sensor.fail("commit_then_reset")["armed"]

    with pytest.raises(OSError):
        change(d4iot_sensor)

    assert d4iot_sensor.password_is("test", "Later12345!")
    (entry,) = d4iot_sensor.wait_for(failure="commit_then_reset", state="cut")
    assert entry["state"] == "cut"
    assert entry["changed"]
    assert [mode["fired"] for mode in d4iot_sensor.failures()] == [1]


def test_a_failure_of_ones_own_is_disarmed(d4iot_sensor: Appliance) -> None:
    assert d4iot_sensor.fail("rebooting", on="set_password")["mode"]["when"] == {"times": 3}
    d4iot_sensor.fail("busy", on="validation", do={"status": 503})
    before, _ = send(d4iot_sensor, "validation", username="test", password="Test12345!")

    d4iot_sensor.disarm("busy")
    after, _ = send(d4iot_sensor, "validation", username="test", password="Test12345!")

    assert (before, after) == (503, 200)


def test_a_fixture_gives_users_and_a_lockout(d4iot_appliance: Callable[..., Appliance]) -> None:
    users = [{"username": "svc", "password": "Rotate4Me!", "role": "read_only"}]
    sensor = d4iot_appliance("sensor", name="plant-7", users=users)

    assert "plant-7" in repr(sensor)
    assert send(sensor, "validation", username="svc", password="Rotate4Me!")[0] == 200
    sensor.change_user("svc", state="locked")
    assert send(sensor, "validation", username="svc", password="Rotate4Me!")[0] == 401
    assert sensor.state()["users"] == [{**users[0], "state": "locked"}]


def test_a_delayed_answer_comes_when_the_clock_moves(d4iot_sensor: Appliance) -> None:
    d4iot_sensor.fail("late", do={"delay": "1h"})
    d4iot_sensor.freeze()
    answers: list[tuple[int, Any]] = []
    client = threading.Thread(target=lambda: answers.append(change(d4iot_sensor)))

    client.start()
    assert len(d4iot_sensor.wait_for("set_password", state="open")) == 1
    assert not answers
    d4iot_sensor.advance(3600)
    client.join(10)

    assert [status for status, _ in answers] == [200]


def test_requests_that_never_come_are_named(d4iot_sensor: Appliance) -> None:
    with pytest.raises(ControlError, match="0 of 1 came") as raised:
        d4iot_sensor.wait_for("set_password", timeout=0.01)

    assert raised.value.status == 409


def test_a_reset_empties_the_journal(d4iot_sensor: Appliance) -> None:
    change(d4iot_sensor)

    d4iot_sensor.reset()

    assert d4iot_sensor.requests() == []
    assert d4iot_sensor.password_is("test", "Test12345!")


def test_explain_and_findings_say_what_a_client_does_wrong(d4iot_sensor: Appliance) -> None:
    asked = d4iot_sensor.explain(path="/external/authentication/validation", body={"username": "test"})

    assert d4iot_sensor.findings() == []
    assert "this appliance is a sensor" in asked["suggestion"]


def test_the_journal_shows_no_password(d4iot_sensor: Appliance) -> None:
    d4iot_sensor.fail("commit_then_reset")
    with pytest.raises(OSError):
        change(d4iot_sensor)
    send(d4iot_sensor, "set_passwords", username="test")

    journal = d4iot_sensor.journal()

    assert 'set_password by "test" → password_replaced' in journal
    assert "under failure mode commit_then_reset" in journal
    assert "POST /api/external/authentication/set_passwords" in journal
    assert "hint: " in journal
    assert "Later12345!" not in journal


def test_a_typo_is_answered_with_a_hint(d4iot_sensor: Appliance) -> None:
    with pytest.raises(ControlError, match="did you mean `commit_then_reset`"):
        d4iot_sensor.fail("commit_then_rest")


def test_the_ca_is_a_file_and_a_text(d4iot_sensor: Appliance) -> None:
    with open(d4iot_sensor.ca, encoding="ascii") as file:
        assert file.read() == d4iot_sensor.ca_pem


def test_without_pytest_a_context_manager_ends_all() -> None:
    with Double() as double, double.sensor() as sensor:
        status, _ = change(sensor)
        ca = sensor.ca

    assert status == 200
    with pytest.raises(FileNotFoundError):
        open(ca, encoding="ascii")
    with pytest.raises(OSError):
        change(sensor)


def test_a_deleted_appliance_can_be_deleted_again(d4iot_double: Double) -> None:
    sensor = d4iot_double.sensor()

    sensor.delete()
    sensor.delete()

    with pytest.raises(ControlError, match="Unknown appliance"):
        sensor.requests()


TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("by_file", [False, True])
def test_a_token_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_file: bool) -> None:
    monkeypatch.delenv("D4IOT_DOUBLE_URL", raising=False)
    if by_file:
        file = tmp_path / "token"
        file.write_text(TOKEN + "\n")
        file.chmod(0o600)
        monkeypatch.setenv("D4IOT_DOUBLE_CONTROL_TOKEN_FILE", str(file))
    else:
        monkeypatch.setenv("D4IOT_DOUBLE_CONTROL_TOKEN", TOKEN)

    with Double() as double:
        double.sensor()
        monkeypatch.delenv("D4IOT_DOUBLE_CONTROL_TOKEN", raising=False)
        monkeypatch.delenv("D4IOT_DOUBLE_CONTROL_TOKEN_FILE", raising=False)
        with Double(double.control.url) as stranger, pytest.raises(ControlError) as refused:
            stranger.sensor()

    assert refused.value.status == 401
    assert TOKEN not in str(refused.value)


def test_a_wrong_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="127.0.0.1:9443"):
        Double("127.0.0.1:9443")

    monkeypatch.setenv("D4IOT_DOUBLE_URL", "127.0.0.1:9443")
    with pytest.raises(ValueError, match="D4IOT_DOUBLE_URL names it: '127.0.0.1:9443'"):
        Double()
    monkeypatch.setenv("D4IOT_DOUBLE_URL", "http://127.0.0.1:2/v1")
    with Double() as double, pytest.raises(ConnectionError, match="D4IOT_DOUBLE_URL names at http://127.0.0.1:2 does not answer.*refused"):
        double.sensor()


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_url_of_the_control_api_may_end_with_v1(d4iot_double: Double, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setenv("D4IOT_DOUBLE_URL", d4iot_double.control.url + end)

    with Double() as double, double.sensor() as sensor:
        assert sensor.control_url == f"{d4iot_double.control.url}/v1/appliances/{sensor.name}"
        assert sensor.requests() == []


def test_the_control_api_is_asked_for_what_has_no_method(d4iot_sensor: Appliance) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    with opener.open(d4iot_sensor.control_url + "/users") as answer:
        assert "test" in [user["username"] for user in json.load(answer)["users"]]
