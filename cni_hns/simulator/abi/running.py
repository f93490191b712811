"""The programs that run beside this process, in the processes that it made with pipes.

Rule 1: the handles of a process's streams are given once, to whoever asks first, and are the caller's then.
Those that nobody was given are closed with the process's handle.
Rule 2: what runs when this process ends is left as it is: a process of which nobody has a handle, and whose
program does nothing any more.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

from cni_hns.simulator.abi.pipes import NO_HANDLES, Console, Ended
from cni_hns.simulator.core.compute import processes, programs
from cni_hns.simulator.core.errors import Refused
from cni_hns.simulator.core.store import Store
from cni_hns.simulator.handles import Held

__all__ = ["Running"]

# What a program exits with whose output nobody reads.
_NOBODY_READS = 1
# On Windows a program may wait in a pipe that this process itself has open.
_PATIENCE_S = 5.0


class Running:
    """The processes with pipes of one process that calls."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._expected: set[str] = set()
        self._waiting: dict[str, Console] = {}
        self._given: list[Console] = []
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def expect(self, key: str) -> None:
        """The caller is about to make a process, and has its handle already."""
        with self._lock:
            self._expected.add(key)

    def begin(self, key: str, parameters: str | None) -> None:
        """Run its program, where it was made, asks for pipes, and its handle is not closed yet."""
        if not self._goes_on(key):
            return
        wanted = programs.parameters_in(parameters)
        if not any(wanted.pipes):
            return
        with self._lock:
            if key not in self._expected:
                return
            console = self._waiting[key] = Console(wanted.pipes, partial(self._goes_on, key))
        thread = threading.Thread(target=self._run, args=(key, wanted, console), name="program", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def streams(self, key: str) -> tuple[int, int, int]:
        """The handles of input, output and errors, for the caller; 0 for each that there is not."""
        with self._lock:
            console = self._waiting.pop(key, None)
            if console is None:
                return NO_HANDLES
            self._given.append(console)
            return console.handles

    def forget(self, key: str) -> None:
        """The caller has closed the process's handle."""
        with self._lock:
            self._expected.discard(key)
            console = self._waiting.pop(key, None)
        if console is not None:
            console.close_handles()

    def held(self) -> list[Held]:
        """The streams that were given and are still open."""
        with self._lock:
            return [Held("handle", f"HCS process's {what}") for one in self._given for what in one.held()]

    def stop(self) -> None:
        """Nothing runs any more once this has returned."""
        self._stopped = True
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        for key in list(self._waiting):
            self.forget(key)

    def _run(self, key: str, wanted: programs.Parameters, console: Console) -> None:
        try:
            with self._store.transaction() as state:
                program = programs.program_of(state, processes.load(state, key).run, wanted)
            exit_code = program(console)
        except (Ended, Refused):
            return  # or its container is not even remembered any more
        except OSError:
            exit_code = _NOBODY_READS
        finally:
            console.close()
        with suppress(Refused), self._store.transaction() as state:
            process = processes.load(state, key)
            if not process.exited:
                processes.end(state, process, exit_code)

    def _goes_on(self, key: str) -> bool:
        if self._stopped:
            return False
        rows = self._store.rows("SELECT 1 FROM processes WHERE key = ? AND NOT exited", key)
        return bool(rows)
