"""Rotates the password of one user at every site of `serve`, and writes down which one it believes to be valid there.

    d4iot-double serve fixtures/scenarios/rotation-night.yaml --listen 127.0.0.1:0 --ready-file ready.json --believes believes.txt
    python3 rotation_night.py careful ready.json believes.txt

naive    sends the change again until it succeeds, three times, and believes in the old password if it does not
careful  asks which password is valid until an answer says so, and only then goes on
"""

import concurrent.futures
import http.client
import json
import ssl
import sys
import time
import urllib.parse

USER, OLD, NEW = "test", "Test12345!", "Night-shift-1"


def send(site, operation, **body):
    """Returns the status of the answer; None where there is none."""
    url = urllib.parse.urlsplit(site["url"])
    options = {"timeout": 10, **({"context": CONTEXT} if url.scheme == "https" else {})}
    kind = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}[url.scheme]
    connection = kind(url.hostname, url.port, **options)
    try:
        path = "/api/external/authentication/" + operation
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def change(site):
    return send(site, "set_password", username=USER, password=OLD, new_password=NEW)


def is_valid(site, password):
    """Asks until an answer tells: a busy appliance says nothing of the password. Returns None if none of 20 does."""
    for _ in range(20):
        status = send(site, "validation", username=USER, password=password)
        if status in (200, 401):
            return status == 200
        time.sleep(0.1)
    return None


def naive(site):
    return NEW if any(change(site) == 200 for _ in range(3)) else OLD


def careful(site):
    for _ in range(10):
        change(site)
        valid = is_valid(site, NEW)
        if valid is None:
            print(site["name"], "does not tell which password is valid", file=sys.stderr)
            break
        if valid:
            return NEW
    return OLD


client, ready, believes = sys.argv[1:]
with open(ready) as file:
    served = json.load(file)
CONTEXT = ssl.create_default_context(cadata=served["ca"]) if served["ca"] else None
with concurrent.futures.ThreadPoolExecutor(16) as pool, open(believes, "w") as file:
    for site, password in zip(served["appliances"], pool.map(globals()[client], served["appliances"])):
        print(site["name"], USER, password, file=file)
