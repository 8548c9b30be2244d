"""A client's test by the control API, with nothing but what Python brings: the clock decides when an answer comes."""

import json
import os
import ssl
import threading
import urllib.error
import urllib.request

CONTROL = os.environ["CONTROL"]


def control(method, path, body=None):
    """Asks the control API; a refusal raises, with what is wrong."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(CONTROL + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


with urllib.request.urlopen(CONTROL + "/v1/ca.pem", timeout=30) as answer:
    trust = ssl.create_default_context(cadata=answer.read().decode())

late = {"name": "late", "do": {"delay": "5m"}}
sensor = control("POST", "/v1/appliances", {"appliance": "sensor", "name": "frozen", "failures": [late]})
control("POST", "/v1/appliances/frozen/clock", {"frozen": True})

came = []


def client():
    """What is tested: it asks whether a password is right."""
    body = json.dumps({"username": "test", "password": "Test12345!"}).encode()
    url = sensor["url"] + "/api/external/authentication/validation"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
        came.append(answer.status)


asks = threading.Thread(target=client)
asks.start()
arrived = control("GET", "/v1/appliances/frozen/journal/wait?operation=validation&state=open&timeout=20s")
assert not came, "a frozen clock lets no delayed answer go"
control("POST", "/v1/appliances/frozen/clock", {"advance": "5m"})
asks.join(30)
print(f"{arrived['entries'][0]['state']}, then {came[0]}")

try:
    control("GET", "/v1/appliances/frozen/journal/wait?outcome=password_replaced&timeout=10ms")
except urllib.error.HTTPError as error:
    problem = json.load(error)
    assert problem["status"] == 409 and problem["type"] == "urn:d4iot-double:not_reached", problem
    print(f"{control('GET', '/v1/appliances/frozen/journal')['count']} come, none wanted")

control("DELETE", "/v1/appliances/frozen")
