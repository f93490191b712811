"""`python -m tests.fuzz`: bad input of every kind, and what must hold for each (docs/testing.md)."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import signal
import sys
from collections import Counter
from pathlib import Path

from tests.fuzz.inputs import Input, parsed, printed
from tests.fuzz.kinds import KINDS
from tests.fuzz.run import Tally, fuzz, try_once
from tests.fuzz.workers import HANG_S

_LONGEST_ON_A_LINE = 2_000


def main(arguments: list[str] | None = None) -> int:
    """Run as the arguments say; 1 where something failed."""
    given = _arguments(arguments)
    if given.list:
        for name in KINDS:
            print(name)
        return 0
    if given.again:
        return _again(given.again)
    print(f"seed {given.seed}, {given.inputs} inputs, {given.jobs} workers", flush=True)
    tally = fuzz(
        given.seed, given.inputs, given.jobs, given.only, tries=given.tries, hang_s=given.hang, tell=_tell
    )
    _report(tally)
    return 1 if tally.failures else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=2_000, metavar="N", help="how many (%(default)s)")
    parser.add_argument(
        "--seed", default=str(secrets.randbelow(10**9)), help="makes the inputs; random if not given"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="workers (%(default)s)"
    )
    parser.add_argument(
        "--only", action="append", choices=list(KINDS), metavar="KIND", help="this kind (may be repeated)"
    )
    parser.add_argument("--list", action="store_true", help="the kinds")
    parser.add_argument(
        "--again", metavar="INPUT", help="one input, as a failure printed it, or the file with it"
    )
    parser.add_argument(
        "--tries", type=int, default=300, help="for making a failing input smaller (%(default)s)"
    )
    parser.add_argument(
        "--hang",
        type=float,
        default=HANG_S,
        metavar="S",
        help="seconds after which an input hangs (%(default)s)",
    )
    return parser.parse_args(arguments)


def _tell(line: str) -> None:
    print(line, flush=True)


def _again(text: str) -> int:
    one = parsed(text if text.lstrip().startswith("{") else Path(text).read_text())
    done = try_once(one)
    print(done.stdout.rstrip() or "(nothing on stdout)")
    for fault in done.faults:
        print(f"FAILED: {fault.signature}")
    return 1 if done.faults else 0


def _report(tally: Tally) -> None:
    print(f"\n{tally.done} inputs in {tally.seconds:.0f} s")
    _table("inputs by kind", tally.kinds)
    _table("codes", tally.codes)
    print(f"\nfailures: {tally.failed}, of {len(tally.failures)} kinds")
    for number, failure in enumerate(tally.failures, start=1):
        print(f"\n{number}. {failure.signature} ({failure.times} times; input {failure.number} of the seed)")
        print(f"   {_shown(failure.smallest, number)}")
        if failure.stdout:
            print(f"   {failure.stdout.rstrip()[:400]}")


def _table(title: str, counts: Counter[str]) -> None:
    print(f"\n{title}:")
    for name, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        print(f"  {count:>7}  {name}")


def _shown(one: Input, number: int) -> str:
    text = printed(one)
    if len(text) <= _LONGEST_ON_A_LINE:
        return f"python -m tests.fuzz --again {shlex.quote(text)}"
    folder = Path("build/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{number}.json"
    file.write_text(text)
    return (
        f"{text[: _LONGEST_ON_A_LINE // 4]}… ({len(text)} characters)\n   python -m tests.fuzz --again {file}"
    )


if __name__ == "__main__":
    # Also a run that is stopped takes its folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
