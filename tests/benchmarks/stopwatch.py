"""Start a program, wait for its end, and report what it cost: `stopwatch.py FD PROGRAM ARGUMENTS`.

The report goes to the file descriptor as JSON: wall time, CPU time of the program and of every process that
it started, and the peak memory of the largest of them.

Rule 1: it is a small process of its own, run with `-I -S`. A process starts out with its parent's peak
memory, so the parent has to be small; and being a subreaper it inherits the processes that a Windows program
starts under Wine, which belong to nobody there.
Rule 2: the wall time ends with the program. Who outlives it is waited for, but not for long: a service that
Wine starts by the way would never end.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 2.0
_PAUSE_S = 0.002


def main() -> int:
    report, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(report, False)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.perf_counter()
    program = os.posix_spawn(command[0], command, os.environ)
    # Who reads these pipes waits for the program, not for us.
    for stream in (0, 1, 2):
        os.close(stream)
    _, status, usage = os.wait4(program, 0)
    wall_s = time.perf_counter() - started
    usages, outlived = _of_the_others()
    usages.append(usage)
    measured = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "wall_s": wall_s,
        "user_s": sum(one.ru_utime for one in usages),
        "system_s": sum(one.ru_stime for one in usages),
        "peak_kib": max(one.ru_maxrss for one in usages),
        "processes": len(usages),
        "outlived": outlived,
    }
    os.write(report, json.dumps(measured).encode())
    return 0


def _of_the_others() -> tuple[list[resource.struct_rusage], bool]:
    """What the processes cost that the program left to us; whether one of them went on."""
    usages: list[resource.struct_rusage] = []
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return usages, False
        if pid:
            usages.append(usage)
        else:
            time.sleep(_PAUSE_S)
    return usages, True


if __name__ == "__main__":
    sys.exit(main())
