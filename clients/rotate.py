"""Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. Needs `requests`.

Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.
"""

import os
import sys
import threading

import requests

NAMES = ["D4IOT_URL", "D4IOT_CA", "USERNAME", "PASSWORD", "NEW_PASSWORD", "ADMIN_USERNAME", "ADMIN_PASSWORD"]
URL, CA, USER, OLD, NEW, ADMIN, ADMIN_PASSWORD = map(os.environ.get, NAMES)
PREFIX = "/external/authentication/" if os.environ.get("D4IOT_KIND") == "console" else "/api/external/authentication/"
TIMEOUT = float(os.environ.get("D4IOT_TIMEOUT", "5"))


def send(operation, **body):
    """Sends one request. Returns the status and the JSON object of the answer; (None, {}) if no such answer came in time."""
    answers = []

    def request():
        with requests.Session() as session:
            session.trust_env = False  # no .netrc, and no proxy sees a password
            try:
                answer = session.post(URL + PREFIX + operation, json=body, verify=CA, timeout=TIMEOUT, allow_redirects=False)
                answers.append((answer.status_code, answer.json()))
            except (requests.RequestException, ValueError):
                pass

    # The time-out of requests is for each read; this one is for the whole answer.
    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return answers[0] if answers and isinstance(answers[0][1], dict) else (None, {})


def is_valid(password):
    """Asks whether a password is valid: True, False, or None if the answer says neither."""
    status, answer = send("validation", username=USER, password=password)
    if status == 200 and str(answer.get("msg")).startswith("Authentication succeeded"):
        return True
    return False if "credentials validation failed" in str(answer).lower() else None


def reconcile():
    # An administrator may set the same password twice: an earlier run does not matter.
    send("set_password_by_admin", admin_username=ADMIN, admin_password=ADMIN_PASSWORD, username=USER, new_password=NEW)
    return is_valid(NEW) is True


def change():
    old = is_valid(OLD)
    if old is None:
        return False  # nothing is known, so nothing is changed
    if old:
        send("set_password", username=USER, password=OLD, new_password=NEW)  # once, whatever comes back
    new = is_valid(NEW)  # also where the old one was refused: an earlier run may have set it
    if new is not False:
        return new is True
    if old:
        old = is_valid(OLD)
    # Neither is valid. No more sign-ins of this user: five refusals lock an address out.
    return old is False and ADMIN is not None and reconcile()


TASKS = {"change": change, "reconcile": reconcile, "verify": lambda: is_valid(OLD) is True}
if TASKS[os.environ["D4IOT_OPERATION"]]():
    print("done: the password is valid")
else:
    sys.exit("not done: run again with the same passwords")
