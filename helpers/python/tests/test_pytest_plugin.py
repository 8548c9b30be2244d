"""The fixtures as a project uses them: pytest runs pytest."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from d4iot_double import Appliance, Double

FAILING = """
def test_fails(d4iot_sensor):
    d4iot_sensor.fail("rebooting")
    import urllib.error, urllib.request
    url = d4iot_sensor.url + "/api/external/authentication/validation"
    try:
        urllib.request.urlopen(url, b"{}", context=d4iot_sensor.ssl_context())
    except urllib.error.HTTPError as error:
        assert error.code == 200
"""

# Each test writes which control API it had.
TESTS = """
import os, pytest

@pytest.mark.parametrize("number", range(6))
def test_it(number, d4iot_sensor, d4iot_double):
    assert len(d4iot_double.control.json("GET", "/v1/appliances")["appliances"]) >= 1
    with open("urls", "a") as file:
        file.write(d4iot_double.control.url + "\\n")
"""


@pytest.fixture
def urls(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the file in which the tests write the control APIs they had, a line each."""
    monkeypatch.delenv("D4IOT_DOUBLE_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = pytester.path / "urls"
    pytester.makepyfile(TESTS.replace('"urls"', repr(str(path))))
    return path


ROTATE = """
import json, urllib.request, ssl

def rotate(url, ca, user, password, new):
    body = json.dumps({"username": user, "password": password, "new_password": new}).encode()
    request = urllib.request.Request(url + "/api/external/authentication/set_password", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile=ca))
    except OSError:
        pass
"""


def test_the_pages_example_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pytester.makepyfile(ROTATE + page().split("```python\n")[1].split("```")[0])

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_page_names_all_there_is() -> None:
    fixtures = ["d4iot_double", "d4iot_appliance", "d4iot_sensor", "d4iot_console"]
    public = [name for name in dir(Appliance) if not name.startswith("_")]

    assert [name for name in [*fixtures, *public] if f"`{name}" not in page()] == []


def page() -> str:
    """Returns the package's page, as the registry shows it."""
    return importlib.metadata.distribution("d4iot-double").read_text("METADATA") or ""


def test_a_failing_test_prints_its_journal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pytester.makepyfile(FAILING)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*d4iot-double journal*", "sensor* (sensor) https://*, requests: 1", "*under failure mode rebooting*"])


NO_TRUST = """
import ssl, urllib.request

def test_fails(d4iot_sensor):
    urllib.request.urlopen(d4iot_sensor.url, context=ssl.create_default_context())
"""


@pytest.mark.parametrize("arguments", [["-p", "no:xdist"], ["-n", "2"]])
def test_a_failing_test_without_a_request_prints_why(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if "-n" in arguments:
        pytest.importorskip("xdist")
    monkeypatch.delenv("D4IOT_DOUBLE_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pytester.makepyfile(NO_TRUST)

    result = pytester.runpytest_subprocess(*arguments)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["sensor* requests: 0", "notes of d4iot-double:", "  note: *the client does not trust the certificate*"])
    result.stdout.no_fnmatch_line("*Ctrl-C*")


def test_notes_are_of_the_test_alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("D4IOT_DOUBLE_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pytester.makepyfile(NO_TRUST + "\ndef test_later(d4iot_sensor): assert False\n")

    result = pytester.runpytest_subprocess("-p", "no:xdist")

    result.assert_outcomes(failed=2)
    assert str(result.stdout).count("notes of d4iot-double:") == 1


def test_an_error_shows_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('def test_fails(d4iot_sensor): d4iot_sensor.fail("commit_then_rest")')

    result = pytester.runpytest_subprocess()

    result.stdout.fnmatch_lines(["*d4iot_sensor.fail(*", "E *did you mean `commit_then_reset`?*", "test_*.py:1: ControlError"])
    result.stdout.no_fnmatch_line("*_control.py*")


def test_a_passing_test_prints_none(pytester: pytest.Pytester, urls: Path) -> None:
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*journal*")


def test_a_session_has_one_process(pytester: pytest.Pytester, urls: Path) -> None:
    pytester.runpytest_subprocess().assert_outcomes(passed=6)

    assert len(set(urls.read_text().split())) == 1


def test_workers_share_one_process(pytester: pytest.Pytester, urls: Path) -> None:
    pytest.importorskip("xdist")

    pytester.runpytest_subprocess("-n", "3").assert_outcomes(passed=6)

    assert len(set(urls.read_text().split())) == 1


def test_an_existing_control_api_is_used(pytester: pytest.Pytester, urls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Double() as double:
        monkeypatch.setenv("D4IOT_DOUBLE_URL", double.control.url)
        monkeypatch.setenv("D4IOT_DOUBLE_BIN", "/nowhere")

        pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=6)

        assert set(urls.read_text().split()) == {double.control.url}
        assert double.control.json("GET", "/v1/appliances")["appliances"] == []


@pytest.mark.parametrize("arguments", [["-p", "no:xdist"], ["-n", "2"]])
def test_a_missing_command_is_named(
    pytester: pytest.Pytester, urls: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if "-n" in arguments:
        pytest.importorskip("xdist")
    monkeypatch.setenv("D4IOT_DOUBLE_BIN", "/nowhere")

    result = pytester.runpytest_subprocess(*arguments)

    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(["*D4IOT_DOUBLE_BIN names no file: /nowhere*"])


def test_sessions_that_ask_for_no_fixture_start_nothing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    started = pytester.path / "started"
    command = pytester.path / "command"
    command.write_text(f"#!/bin/sh\ntouch {started}\n")
    command.chmod(0o700)
    monkeypatch.setenv("D4IOT_DOUBLE_BIN", str(command))
    monkeypatch.delenv("D4IOT_DOUBLE_URL", raising=False)

    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)
    assert not started.exists()

    pytester.makepyfile("def test_it(d4iot_sensor): pass")
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(errors=1)
    assert started.exists()


def test_the_process_ends_with_a_killed_parent() -> None:
    program = "import os, d4iot_double as d; print(d.Double().control.url, flush=True); os.kill(os.getpid(), 9)"
    url = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True).stdout.strip()
    assert url.startswith("http://127.0.0.1:")

    with pytest.raises(ConnectionError):
        # Each connection is refused, or cut when the process ends; so the loop ends with it.
        double = Double(url)
        while True:
            double.control.send("GET", "/v1/health")


@pytest.mark.skipif(os.name == "nt", reason="has no such exit codes")
def test_the_module_is_the_command() -> None:
    module = [sys.executable, "-m", "d4iot_double"]

    version = subprocess.run([*module, "--version"], stdout=subprocess.PIPE, text=True)
    usage = subprocess.run([*module, "serve", "--no-such-option"], stderr=subprocess.PIPE, text=True)

    assert (version.returncode, version.stdout.split()[0]) == (0, "d4iot-double")
    assert usage.returncode == 2
    assert "--no-such-option" in usage.stderr
