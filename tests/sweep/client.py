"""Four clients that change a password, by the name given as the argument:

naive     sends the change and looks at the answer, as the documentation suggests
retrying  the same with a library that sends a request again, twice
status    looks at the status alone
careful   whatever comes back, asks which password is valid

Each has a time-out of one second. They end with 0 if the password is changed, and with 1 if not.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request

URL = os.environ["D4IOT_URL"]
TASK = os.environ["D4IOT_OPERATION"]
USER = os.environ["USERNAME"]
OLD = os.environ.get("PASSWORD")
NEW = os.environ.get("NEW_PASSWORD")
CONTEXT = ssl.create_default_context(cafile=os.environ["D4IOT_CA"])


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


OPENER = urllib.request.build_opener(urllib.request.HTTPSHandler(context=CONTEXT), NoRedirect())


def send(operation, body):
    """Returns the status and the JSON of the answer; None where there is none."""
    path = "/api/external/authentication/" + operation
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with OPENER.open(request, timeout=1) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError, EOFError):
        return None, None
    except Exception:  # what http.client raises at an answer that is no HTTP
        return None, None


def change():
    if TASK == "reconcile":
        admin, password = os.environ["ADMIN_USERNAME"], os.environ["ADMIN_PASSWORD"]
        body = {"admin_username": admin, "admin_password": password, "username": USER, "new_password": NEW}
        return send("set_password_by_admin", body)
    return send("set_password", {"username": USER, "password": OLD, "new_password": NEW})


def validate(password):
    status, answer = send("validation", {"username": USER, "password": password})
    return isinstance(answer, dict) and str(answer.get("msg", "")).startswith("Authentication succeeded")


def naive():
    if TASK == "verify":
        return validate(OLD)
    status, answer = change()
    return status == 200 and isinstance(answer, dict) and "replaced" in str(answer.get("msg"))


def retrying():
    return any(naive() for _ in range(3))


def status():
    if TASK == "verify":
        return send("validation", {"username": USER, "password": OLD})[0] == 200
    return change()[0] == 200


def careful():
    if TASK == "verify":
        return validate(OLD)
    change()
    return validate(NEW)


sys.exit(0 if globals()[sys.argv[1]]() else 1)
