"""Runs the command: `python -m d4iot_double serve` is `d4iot-double serve`."""

import os
import subprocess
import sys

from ._binary import find_binary


def main() -> None:
    """Replaces this process by the command, where the system can."""
    try:
        command = [find_binary(), *sys.argv[1:]]
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
    if os.name == "nt":
        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
