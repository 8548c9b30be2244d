"""Runs a python4cpm plug-in as CPM does, for `d4iot-double sweep --success-exit 10 -- python cpm_run.py PLUGIN.py`.

CPM starts a plug-in once to verify, and twice otherwise: `logon` and `changepass`, or `prereconcilepass` and `reconcilepass`.
On Windows, python4cpm expects secrets that DPAPI encrypted: sweep on Linux, macOS or WSL.
"""

import os
import subprocess
import sys
import tempfile

ACTIONS = {"verify": ["verifypass"], "change": ["logon", "changepass"], "reconcile": ["prereconcilepass", "reconcilepass"]}
VALUES = {
    "TARGET_POLICY_ID": "sweep",
    "TARGET_SAFE_NAME": "sweep",
    "TARGET_OBJECT_NAME": "sweep",
    "TARGET_ADDRESS": os.environ["D4IOT_HOST"],
    "TARGET_PORT": os.environ["D4IOT_PORT"],
    "TARGET_USERNAME": os.environ["USERNAME"],
    "TARGET_PASSWORD": os.environ.get("PASSWORD"),
    "RECONCILE_USERNAME": os.environ.get("ADMIN_USERNAME"),
    "RECONCILE_PASSWORD": os.environ.get("ADMIN_PASSWORD"),
}

plugin = os.path.abspath(sys.argv[1])
code = 2
with tempfile.TemporaryDirectory() as folder:  # python4cpm writes its logs below the current folder
    for action in ACTIONS[os.environ["D4IOT_OPERATION"]]:
        values = {**VALUES, "ARGS_ACTION": action}
        if action in ("changepass", "reconcilepass"):
            values["TARGET_NEW_PASSWORD"] = os.environ["NEW_PASSWORD"]
        given = {f"PYTHON4CPM_{name}": value for name, value in values.items() if value is not None}
        code = subprocess.run([sys.executable, plugin], env={**os.environ, **given}, cwd=folder).returncode
        if code != 10:
            break
    logs = os.path.join(folder, "Logs", "ThirdParty")
    for name in os.listdir(logs) if os.path.isdir(logs) else []:
        with open(os.path.join(logs, name), encoding="utf-8") as log:
            sys.stderr.write(log.read())
sys.exit(code if code >= 0 else 128 - code)
