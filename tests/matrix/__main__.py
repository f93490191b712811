"""The command: make the table, try the cases, say what came of them."""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.pool
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

from tests.campaigns import Numbers, chosen, parser_of, wine_for_each
from tests.matrix.cases import VERBS, Case, every
from tests.matrix.faults import Point
from tests.matrix.process import adopt_orphans
from tests.matrix.scenes import SCENES, available
from tests.matrix.trial import DETAIL, ON_THE_NODE, Outcome, Trials
from tests.packaging import IN_PROCESS, Packaging

_CHUNK = 8
_worker: list[Trials] = []


def main(arguments: list[str]) -> int:
    """0 where no case fails."""
    asked = _parsed(arguments)
    began = time.monotonic()
    packaging = Packaging(asked.packaging)
    context = multiprocessing.get_context("fork")
    with (
        wine_for_each(packaging.lane, asked.jobs) if packaging.on_windows else nullcontext(),
        tempfile.TemporaryDirectory(prefix="matrix-", dir=_fast_folder()) as root,
        context.Pool(asked.jobs, _begin, (root, packaging.name, Numbers(context, asked.jobs))) as pool,
    ):
        everything = [
            case for case in every(_points(pool, packaging, asked.only)) if _is_for(case, packaging)
        ]
        cases = chosen(everything, asked)
        if asked.list:
            print("\n".join(case.name for case in cases))
            return 0
        print(f"{len(cases)} of {len(everything)} cases, {asked.jobs} at a time", flush=True)
        outcomes = list(_shown(pool.imap_unordered(_try, cases, _CHUNK), len(cases)))
    return _report(cases, outcomes, time.monotonic() - began)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = parser_of("matrix", __doc__)
    parser.add_argument("--packaging", choices=[IN_PROCESS, "windows"], default=IN_PROCESS)
    return parser.parse_args(arguments)


def _fast_folder() -> str | None:
    """A folder in memory, where there is one: each case copies a node."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _begin(root: str, packaging: str, numbers: Numbers) -> None:
    """A worker's beginning."""
    adopt_orphans()
    folder = Path(root) / f"worker-{os.getpid()}"
    folder.mkdir()
    numbers.take()
    _worker[:] = [Trials(folder, packaging)]


def _is_for(case: Case, packaging: Packaging) -> bool:
    """A built program cannot be looked into: only what HNS does, and its end, can be made to happen to it."""
    return packaging.is_in_process or case.point.kind in ON_THE_NODE


def _points(
    pool: multiprocessing.pool.Pool, packaging: Packaging, only: str
) -> dict[tuple[str, str], list[Point]]:
    """The points of every verb in every scene, as the undisturbed verb shows them."""
    keys = []
    for scene in SCENES.values():
        if packaging.on_windows and not scene.on_windows:
            continue
        if available(scene):
            keys += [(scene.name, verb) for verb in VERBS if _may_match(only, f"{scene.name} / {verb} / ")]
        else:
            print(f'left out: the scene "{scene.name}", which needs {scene.needs} (python -m tests.lane)')
    return dict(zip(keys, pool.starmap(_count, keys, 1), strict=True))


def _may_match(only: str, beginning: str) -> bool:
    """Whether a case whose name begins so may be asked for: a text that names a scene tells at once."""
    if not only.startswith(tuple(f"{name} / " for name in SCENES)):
        return True
    return beginning.startswith(only) or only.startswith(beginning)


def _count(scene: str, verb: str) -> list[Point]:
    return _worker[0].points(scene, verb)


def _try(case: Case) -> Outcome:
    try:
        return _worker[0].run(case)
    except Exception as fault:  # one case that cannot be judged must not end the others
        return Outcome(case, True, [f"it cannot be judged: {type(fault).__name__}: {fault}"])


def _shown(outcomes: Iterable[Outcome], count: int) -> Iterator[Outcome]:
    """The same, with a line now and then."""
    failed = 0
    for number, outcome in enumerate(outcomes, start=1):
        failed += bool(outcome.faults)
        if number % 1000 == 0:
            print(f"  {number} of {count}, {failed} failed", flush=True)
        yield outcome


def _report(cases: list[Case], outcomes: list[Outcome], seconds: float) -> int:
    for kind, count in sorted(Counter(case.kind for case in cases).items()):
        print(f"  {count:6} {kind}")
    order = {case: number for number, case in enumerate(cases)}
    failed = sorted((one for one in outcomes if one.faults), key=lambda one: order[one.case])
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in failed:
        kinds = dict.fromkeys(fault.partition(DETAIL)[0] for fault in outcome.faults)
        groups.setdefault((outcome.case.kind, *kinds), []).append(outcome)
    for (kind, *faults), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(found)} x {kind}\n    smallest: {found[0].case.name}")
        print("\n".join(f"    {fault}" for fault in faults))
    unreached = sum(not one.reached for one in outcomes)
    print(f"\n{len(outcomes)} cases, {len(failed)} failed, {unreached} steps not reached; {seconds:.0f} s")
    if failed:
        print(f"the smallest failing case: {failed[0].case.name}\n    " + "\n    ".join(failed[0].faults))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
