"""`python -m tests.lane [PART...]`: make what the tests need; what is current is left alone."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.lane.lane import Lane
from tests.lane.parts import PARTS
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
    for part in PARTS:
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
            return 1
        print(f"   {part.name}: {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
