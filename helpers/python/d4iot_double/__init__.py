"""Mock Defender for IoT appliances for tests in Python.

    with Double() as double, double.sensor() as sensor:
        sensor.fail("commit_then_reset")
        rotate(sensor.url, sensor.ca)
        assert sensor.password_is("test", "Later12345!")

Under pytest the fixtures `d4iot_sensor`, `d4iot_console` and `d4iot_appliance` do the same without a line of set-up.
"""

from ._appliance import Appliance
from ._binary import find_binary
from ._control import ControlError
from ._double import Double
from ._types import Entry, Failure, Finding, Kind, Operation, SentRequest, State

__all__ = [
    "Appliance",
    "ControlError",
    "Double",
    "Entry",
    "Failure",
    "Finding",
    "Kind",
    "Operation",
    "SentRequest",
    "State",
    "find_binary",
]
