"""The command ``itm``: the C++ program that came with the package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def program() -> Path:
    """Where the program lies."""
    return Path(__file__).parent / "bin" / "itm"


def main() -> NoReturn:
    """Becomes the program: its signals, its exit status, its output."""
    os.execv(program(), ["itm", *sys.argv[1:]])
