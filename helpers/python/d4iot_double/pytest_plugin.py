"""Fixtures for pytest: a process for each session, an appliance for each test.

Nothing is started before a test asks for a fixture; under pytest-xdist one process is started for all workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from . import Appliance, Double, Kind

# pytest shows the line of the test, and none of this module.
__tracebackhide__ = True

_APPLIANCES = pytest.StashKey["list[Appliance]"]()
_SHARED = pytest.StashKey["Double"]()
_URL = "d4iot_double_url"
_LOG = "d4iot_double_log"
_ERROR = "d4iot_double_error"


class _Workers:
    """Hooks of pytest-xdist, in the process that starts the workers."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Gives a worker the URL of the one process; why there is none, if it cannot be started."""
        config: pytest.Config = node.config
        if os.environ.get("D4IOT_DOUBLE_URL"):
            return
        if _SHARED not in config.stash:
            try:
                config.stash[_SHARED] = Double()
            except (OSError, RuntimeError) as error:
                node.workerinput[_ERROR] = str(error)
                return
            config.add_cleanup(config.stash[_SHARED].close)
        node.workerinput[_URL] = config.stash[_SHARED].control.url
        node.workerinput[_LOG] = str(config.stash[_SHARED]._log)


def pytest_configure(config: pytest.Config) -> None:
    """Listens for workers of pytest-xdist, where there may be some."""
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Workers(), "d4iot_double_workers")


@pytest.fixture(scope="session")
def d4iot_double(pytestconfig: pytest.Config) -> Iterator[Double]:
    """The process of this session, or the control API that `D4IOT_DOUBLE_URL` names."""
    given: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    if _ERROR in given:
        pytest.fail(given[_ERROR], pytrace=False)
    with Double(given.get(_URL)) as double:
        if _LOG in given:
            double._log = Path(given[_LOG])
        yield double


@pytest.fixture
def d4iot_appliance(request: pytest.FixtureRequest, d4iot_double: Double) -> Iterator[Callable[..., Appliance]]:
    """Makes appliances of this test: `d4iot_appliance("sensor", lockout={"after": 5})`. They end with it."""
    made: list[Appliance] = request.node.stash.setdefault(_APPLIANCES, [])

    def make(kind: Kind, **fixture: Any) -> Appliance:
        appliance = d4iot_double.appliance(kind, **fixture)
        made.append(appliance)
        return appliance

    yield make
    while made:
        made.pop().delete()


@pytest.fixture
def d4iot_sensor(d4iot_appliance: Callable[..., Appliance]) -> Appliance:
    """A sensor of this test alone."""
    return d4iot_appliance("sensor")


@pytest.fixture
def d4iot_console(d4iot_appliance: Callable[..., Appliance]) -> Appliance:
    """An on-premises management console of this test alone."""
    return d4iot_appliance("console")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Adds the journals of a test's appliances to its report if it fails."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if not report.failed or call.when == "teardown":
        return
    for appliance in item.stash.get(_APPLIANCES, []):
        try:
            journal = appliance._report()
        except Exception as error:  # the report of the test comes first
            journal = f"the journal of {appliance.name} cannot be read: {error}"
        report.sections.append(("d4iot-double journal", journal))
