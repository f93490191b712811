"""`python -m tests.lane [PART...]`: make what the tests need; what is current is left alone."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.lane.lane import Lane
from tests.lane.parts import FIRST, FOR_LINUX, FOR_WINDOWS, PARTS, Part
from tests.lane.wine import keep_addresses


def main() -> int:
    wanted = sys.argv[1:]
    unknown = set(wanted) - {part.name for part in PARTS}
    if unknown:
        print(
            f"unknown: {', '.join(sorted(unknown))}; the parts are {', '.join(part.name for part in PARTS)}"
        )
        return 2
    keep_addresses()
    lane = Lane.here()
    lane.root.mkdir(parents=True, exist_ok=True)
    print(f"the lane: {lane.root}")
    if not _bring(FIRST, wanted, lane):
        return 1
    # One waits for Wine and downloads while the other compiles.
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda parts: _bring(parts, wanted, lane), (FOR_WINDOWS, FOR_LINUX)))
    return 0 if all(made) else 1


def _bring(parts: list[Part], wanted: list[str], lane: Lane) -> bool:
    """One after another; whether all were made."""
    for part in parts:
        if wanted and part.name not in wanted:
            continue
        if part.is_current(lane):
            print(f"== {part.name}: current")
            continue
        print(f"== {part.name}", flush=True)
        started = time.monotonic()
        try:
            part.bring(lane)
        except (OSError, subprocess.CalledProcessError) as fault:
            print(f"{part.name} cannot be made: {fault}", file=sys.stderr)
            return False
        print(f"   {part.name}: {time.monotonic() - started:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
