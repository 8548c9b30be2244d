"""Rotates a password of a Defender for IoT sensor: a CyberArk CPM plug-in for `python4cpm`. Needs `requests`.

It closes with success only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.
"""

import os
import threading

import requests
from python4cpm import Python4CPMHandler

CA = os.environ.get("D4IOT_CA", r"C:\python4cpm-scripts\appliance-ca.pem")
PREFIX = "/external/authentication/" if os.environ.get("D4IOT_KIND") == "console" else "/api/external/authentication/"
TIMEOUT = float(os.environ.get("D4IOT_TIMEOUT", "5"))


class DefenderForIot(Python4CPMHandler):
    def send(self, operation, **body):
        """Sends one request. Returns the status and the JSON object of the answer; (None, {}) if no such answer came in time."""
        url = f"https://{self.target_account.address}:{self.target_account.port or 443}{PREFIX}{operation}"
        answers = []

        def request():
            with requests.Session() as session:
                session.trust_env = False  # no .netrc, and no proxy sees a password
                try:
                    answer = session.post(url, json=body, verify=CA, timeout=TIMEOUT, allow_redirects=False)
                    answers.append((answer.status_code, answer.json()))
                except (requests.RequestException, ValueError) as error:
                    self.logger.error(f"{operation}: {type(error).__name__}")

        # The time-out of requests is for each read; this one is for the whole answer.
        thread = threading.Thread(target=request, daemon=True)
        thread.start()
        thread.join(TIMEOUT)
        return answers[0] if answers and isinstance(answers[0][1], dict) else (None, {})

    def is_valid(self, secret):
        """Asks whether a password is valid: True, False, or None if the answer says neither."""
        status, answer = self.send("validation", username=self.target_account.username, password=secret.get())
        if status == 200 and str(answer.get("msg")).startswith("Authentication succeeded"):
            return True
        return False if "credentials validation failed" in str(answer).lower() else None

    def close(self, done):
        self.close_success() if done else self.close_fail()  # 81: CPM tries again, with the same new password

    def verify(self):
        self.close(self.is_valid(self.target_account.password) is True)

    def logon(self):
        self.close_success()  # before each change; `change` asks for itself

    def change(self):
        account = self.target_account
        old = self.is_valid(account.password)
        if old:  # once, whatever comes back
            self.send("set_password", username=account.username, password=account.password.get(), new_password=account.new_password.get())
        # Also where the old one was refused: an earlier run may have set it. If nothing is known, nothing is changed.
        self.close(old is not None and self.is_valid(account.new_password) is True)

    def prereconcile(self):
        self.close_success()

    def reconcile(self):
        # An administrator may set the same password twice: an earlier run does not matter.
        account, admin = self.target_account, self.reconcile_account
        body = {"username": account.username, "new_password": account.new_password.get()}
        self.send("set_password_by_admin", admin_username=admin.username, admin_password=admin.password.get(), **body)
        self.close(self.is_valid(account.new_password) is True)


if __name__ == "__main__":
    DefenderForIot().run()
