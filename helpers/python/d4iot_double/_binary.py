"""Finds the command `d4iot-double`."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

NAME = "d4iot-double" + (".exe" if os.name == "nt" else "")


def find_binary() -> str:
    """Returns the path of the command: `D4IOT_DOUBLE_BIN`, then the one of this package, then the one on `PATH`.

    Raises FileNotFoundError if there is none, or if `D4IOT_DOUBLE_BIN` names no file.
    """
    chosen = os.environ.get("D4IOT_DOUBLE_BIN")
    if chosen:
        if not Path(chosen).is_file():
            raise FileNotFoundError(f"D4IOT_DOUBLE_BIN names no file: {chosen}")
        return chosen
    for folder in _script_folders():
        if (folder / NAME).is_file():
            return str(folder / NAME)
    on_path = shutil.which(NAME)
    if on_path is None:
        raise FileNotFoundError(f"no command `{NAME}` in this Python environment or on PATH; D4IOT_DOUBLE_BIN can name it")
    return on_path


def _script_folders() -> Iterator[Path]:
    """Yields where an installer may have put the command of this package."""
    package = Path(__file__).resolve().parent
    yield Path(sysconfig.get_path("scripts"))
    # `pip install --target FOLDER` and `--prefix FOLDER`.
    yield package.parent / "bin"
    if len(package.parents) > 3:
        yield package.parents[3] / ("Scripts" if os.name == "nt" else "bin")
    # `pip install --user`.
    scheme = "nt_user" if os.name == "nt" else "osx_framework_user" if sys.platform == "darwin" else "posix_user"
    if scheme in sysconfig.get_scheme_names():
        yield Path(sysconfig.get_path("scripts", scheme))
