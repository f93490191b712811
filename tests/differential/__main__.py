"""The command: run the cases on both, compare, hold what differs against the table."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.campaigns import Numbers, chosen, parser_of, wine_for_each
from tests.differential.cases import Case
from tests.differential.comparison import Difference
from tests.differential.table import Row, document, read, reason
from tests.differential.trial import Trials, every
from tests.lane import Lane

_worker: list[Trials] = []
_held = ExitStack()


def main(arguments: list[str]) -> int:
    """0 where every difference is meant, and (of all cases) each meant one occurs."""
    asked = _parsed(arguments)
    rows = read()
    if asked.document:
        sys.stdout.write(document(rows))
        return 0
    everything = every()
    cases = chosen(everything, asked)
    if asked.list:
        print("\n".join(case.name for case in cases))
        return 0
    print(f"{len(cases)} of {len(everything)} cases, {asked.jobs} at a time", flush=True)
    for extra in asked.also:
        rows += read(extra)
    began = time.monotonic()
    context = multiprocessing.get_context("fork")
    with (
        wine_for_each(Lane.here(), asked.jobs),
        tempfile.TemporaryDirectory(prefix="differential-") as root,
        context.Pool(asked.jobs, _begin, (root, Numbers(context, asked.jobs))) as pool,
    ):
        found = [*pool.imap(_try, cases)]
        pool.close()
        pool.join()
    return _report(rows, list(zip(cases, found, strict=True)), complete=cases == everything, began=began)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = parser_of("differential", __doc__)
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a further table of differences",
    )
    parser.add_argument(
        "--document", action="store_true", help="print the table as docs/differences.md has it"
    )
    return parser.parse_args(arguments)


def _begin(root: str, numbers: Numbers) -> None:
    """A worker's beginning: its two subjects stay for all of its cases."""
    folder = Path(root) / f"worker-{os.getpid()}"
    numbers.take()
    _worker[:] = [_held.enter_context(Trials.beginning(Lane.here(), folder))]
    multiprocessing.util.Finalize(None, _held.close, exitpriority=1)


def _try(case: Case) -> list[Difference]:
    return _worker[0].run(case)


def _report(
    rows: list[Row], found: Iterable[tuple[Case, list[Difference]]], *, complete: bool, began: float
) -> int:
    meant: Counter[str] = Counter()
    cases = failed = 0
    for case, differences in found:
        cases += 1
        reasons = {each: reason(rows, case, each) for each in differences}
        meant.update({name for name in reasons.values() if name})
        unmeant = [each for each, name in reasons.items() if name is None]
        failed += bool(unmeant)
        if unmeant:
            print(f"\n{case.name}\n    request {json.dumps(case.request)} args {case.args!r}")
            print("\n".join(f"    {each}" for each in unmeant))
    for row in rows:
        print(f"  {meant[row.name]:4} places  {row.name}")
    idle = [row.name for row in rows if not meant[row.name]] if complete else []
    for name in idle:
        print(f"no case shows this difference any more: {name}")
    seconds = time.monotonic() - began
    print(f"\n{cases} cases, {failed} with differences that nobody meant; {seconds:.0f} s")
    return 1 if failed or idle else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
