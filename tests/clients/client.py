"""One request with requests. Reads URL, CA_FILE, BODY and TIMEOUT (seconds); prints one line, as every client here does."""

import os
import sys

import requests


def line():
    try:
        answer = requests.post(
            os.environ["URL"],
            data=os.environ["BODY"],
            headers={"content-type": "application/json"},
            timeout=float(os.environ["TIMEOUT"]),
            verify=os.environ["CA_FILE"],
        )
        answer.json()
        return f"ok {answer.status_code}"
    except requests.exceptions.RequestException as error:
        print(repr(error), file=sys.stderr)
        return kind(error)


def kind(error):
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "not-json"
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "certificate"
    # A time-out in the middle of the body is a ConnectionError to requests, not a Timeout.
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error):
        return "timeout"
    if "IncompleteRead" in str(error):
        return "truncated"
    if "ConnectionResetError" in str(error):
        return "reset"
    # Over TLS Python takes the reset for an end: the read that fails with ECONNRESET is reported as this.
    if "RemoteDisconnected" in str(error):
        return "closed"
    return "other"


print(line())
