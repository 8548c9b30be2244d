#!/usr/bin/env python3
"""Runs the program for Windows that lies beside this file under Wine, as tests expect a program of Linux.

SIGTERM and SIGINT become Ctrl-C of a console of its own, which it has if stdin is /dev/null; absolute paths in variables get a drive.
"""

import ctypes
import fcntl
import os
import pathlib
import pty
import signal
import subprocess
import sys
import termios
import threading

has_console = os.path.samestat(os.fstat(0), os.stat(os.devnull))
ours, theirs = pty.openpty()


def enter():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with this process
    os.setsid()
    if has_console:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def drain():
    while os.read(ours, 4096):
        pass


def press(*_):
    os.write(ours, b"\x03")


def stop(*_):
    press()
    # On a busy machine Wine's console may not have read the first.
    again = threading.Timer(8, press)
    again.daemon = True
    again.start()


for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, stop)
if os.environ.get("XDG_STATE_HOME", "").startswith("/"):
    os.environ["XDG_STATE_HOME"] = "Z:" + os.environ["XDG_STATE_HOME"].replace("/", "\\")
program = pathlib.Path(__file__).resolve().with_name("d4iot-double.exe")
os.environ |= {"WINEPREFIX": str(program.with_name("prefix")), "WINEDEBUG": "-all"}
command = ["/usr/lib/wine/wine64", program, *sys.argv[1:]]
child = subprocess.Popen(command, stdin=theirs if has_console else None, preexec_fn=enter)
threading.Thread(target=drain, daemon=True).start()
sys.exit(child.wait() & 255)
