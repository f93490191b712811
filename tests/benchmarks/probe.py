"""Inside the measured program: what each part of a call takes (`anatomy.py` puts it there).

A part that calls another one does not get the other's time. At the end, on stderr, a line of JSON: the parts
in milliseconds. Nothing is imported here that the program itself would have to import later.
"""

from __future__ import annotations

import builtins
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

MARK = "PARTS "

START = "the process, PyInstaller's and Python's start"
MODULES = "modules, Python's and the program's own"
DLLS = {"_sqlite3": "SQLite's library", "_cffi_backend": "cffi's library"}
STDIN, LEDGER = "stdin", "the ledger's file"
HNS_LIBRARIES, HNS = "HNS's libraries", "HNS's answers"
REST = "checks, plan, documents, result"

_WINDOWS_EPOCH_S = 11_644_473_600


class Account:
    """The time of each part, in seconds."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.totals_s: dict[str, float] = {}
        self._now = now
        self._began = now()
        # Of each part under way, what those inside it have taken so far.
        self._inner_s = [0.0]

    def within(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted for this part."""

        def measured(*arguments: Any, **named: Any) -> Any:
            self._inner_s.append(0.0)
            began = self._now()
            try:
                return function(*arguments, **named)
            finally:
                took_s = self._now() - began
                self.totals_s[name] = self.totals_s.get(name, 0.0) + took_s - self._inner_s.pop()
                self._inner_s[-1] += took_s

        return measured

    def outside_s(self) -> float:
        """What has gone by in none of the parts."""
        return self._now() - self._began - self._inner_s[0]


class Probe:
    """Measures the process in which it begins, from there to its end."""

    def __init__(self) -> None:
        self.account = Account()
        self._began_at = time.time()
        self._import, self._exit = builtins.__import__, os._exit
        measured = {name: self.account.within(part, self._import) for name, part in DLLS.items()}
        modules = self.account.within(MODULES, self._import)
        builtins.__import__ = lambda name, *rest, **named: measured.get(name, modules)(name, *rest, **named)
        os._exit = self._leave

    def measure(self, members: dict[str, Any]) -> None:
        """Called at the end of each module that is measured: replace what is in it."""
        within, module = self.account.within, members["__name__"]
        if module == "cni_hns.stdio":
            members["read_stdin"] = within(STDIN, members["read_stdin"])
        elif module == "cni_hns.ledger.opening":
            members["connected"] = within(LEDGER, members["connected"])
        elif module == "cni_hns.ledger.store":
            store = members["Store"]
            for name in ("_run", "_rows", "close"):
                setattr(store, name, within(LEDGER, getattr(store, name)))
        elif module == "cni_hns.binding.service":
            service = members["Service"]
            service._function = within(HNS_LIBRARIES, service._function)
            service._timed = within(HNS, service._timed)

    def _leave(self, status: int) -> NoReturn:
        parts_s = {**self.account.totals_s, REST: self.account.outside_s()}
        builtins.__import__ = self._import
        import json

        from cni_hns.binding.windows import process_start

        created_at = int(process_start(os.getpid()) or 0) / 1e7 - _WINDOWS_EPOCH_S
        parts_s = {START: self._began_at - created_at, **parts_s}
        told = {name: seconds * 1000 for name, seconds in parts_s.items()}
        os.write(2, f"\n{MARK}{json.dumps(told)}\n".encode())
        self._exit(status)
