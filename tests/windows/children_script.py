"""Runs the program that it is given in each of its modes and prints how it ended; at last for ever."""

from __future__ import annotations

import os
import sys

from cni_hns.binding.children import Ended, run


def ended(mode: str, given: bytes = b"", timeout_s: float = 60.0) -> Ended:
    """How the program ended in this mode."""
    return run(sys.argv[1], {**os.environ, "MODE": mode}, given, timeout_s)


def say(*words: object) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


echo = ended("echo", b"x" * 300_000)
say("echo", echo.status, len(echo.stdout), echo.stderr, echo.late, echo.overflowed)
say("leave", *ended("leave"))
flood = ended("flood")
say("flood", len(flood.stdout), flood.late, flood.overflowed)
say("hang", ended("hang", timeout_s=1.0).late)
say("all")
ended("hang")
