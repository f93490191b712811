"""Run by Windows' Python: makes a service of this very script, and tells what becomes of it, line by line."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

# A service has the variables of the machine, and no PYTHONPATH.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from cni_hns.binding.service_manager import ServiceWanted
from cni_hns.binding.windows import SystemLibrary
from cni_hns.binding.windows_service import NotStartedAsService, serve
from cni_hns.binding.windows_service_manager import WindowsServiceManager

_TIMEOUT_S = 60.0


def _be(name: str, told: str) -> None:
    """The service: it writes down that it began and ended."""

    def run(stop: threading.Event) -> int:
        _tell(told, "began")
        stop.wait()
        _tell(told, "ended")
        return 0

    serve(name, run)


def _tell(path: str, word: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(word + "\n")


def _manage(name: str, told: str) -> None:
    manager = WindowsServiceManager(SystemLibrary)
    command = f'"{sys.executable}" "{os.path.abspath(__file__)}" be {name} "{told}"'
    wanted = ServiceWanted(name, "A title", "A description", command, ("hns",))
    _say(manager.state(name), manager.command(name))
    try:
        manager.put(wanted._replace(command="another.exe"))
        manager.put(wanted)
        _say(manager.state(name), manager.command(name) == command)
        _twice(lambda: manager.start(name))
        _wait_for(manager, name, "running")
        _say(manager.state(name))
    finally:
        _twice(lambda: manager.stop(name, _TIMEOUT_S))
        _say(manager.state(name))
        _twice(lambda: manager.delete(name))
        _say(manager.state(name))
    try:
        manager.start(name)
    except OSError as fault:
        _say(fault)


def _twice(step: Callable[[], None]) -> None:
    """Each step looks first: said again it is no fault."""
    step()
    step()


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _wait_for(manager: WindowsServiceManager, name: str, state: str) -> None:
    ends = time.monotonic() + _TIMEOUT_S
    while manager.state(name) != state and time.monotonic() < ends:
        time.sleep(0.05)


def _by_hand(name: str, told: str) -> None:
    try:
        _be(name, told)
    except NotStartedAsService as fault:
        _say(fault)


if __name__ == "__main__":
    {"be": _be, "manage": _manage, "by-hand": _by_hand}[sys.argv[1]](*sys.argv[2:])
