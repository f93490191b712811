"""`python -m tests.benchmarks`: measure, print the tables, and write JSON, Markdown and a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks import anatomy, bursts, calls, growth, linux, plot, report, reservations, windows
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import Unexpected
from tests.benchmarks.tables import Results
from tests.lane import Lane, Missing

_PARTS = {
    module.PART: module.run for module in (windows, linux, bursts, growth, calls, reservations, anatomy)
}
_REPETITIONS, _SHORT_REPETITIONS = 10, 2


def main(arguments: list[str]) -> int:
    """Exit codes: 0 measured, 1 not measured (one line on stderr says why), 2 wrong usage."""
    options = _parser().parse_args(arguments)
    repetitions = options.repetitions or (_SHORT_REPETITIONS if options.short else _REPETITIONS)
    settings = Settings(Lane.here(), repetitions, options.short)
    try:
        command = " ".join(["python -m tests.benchmarks", *arguments])
        results = Results({"command": f"`{command}`", **report.about(settings)})
        for name in options.part or _PARTS:
            results.tables += _PARTS[name](settings)
    except (Missing, Unexpected) as fault:
        sys.stderr.write(f"not measured: {fault}\n")
        return 1
    report.show(results)
    written = report.write(results, options.out)
    try:
        written += plot.draw(results, options.out)
    except plot.NoMatplotlib as fault:
        settings.say(str(fault))
    settings.say(f"written: {', '.join(map(str, written))}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks",
        description="Measure the program beside its peers (docs/performance.md).",
    )
    parser.add_argument(
        "--part", nargs="+", choices=list(_PARTS), metavar="NAME", help=f"of {', '.join(_PARTS)}; default all"
    )
    parser.add_argument(
        "--repetitions", type=_positive, metavar="N", help=f"of each measurement; default {_REPETITIONS}"
    )
    parser.add_argument(
        "--short", action="store_true", help=f"fewer cases, {_SHORT_REPETITIONS} repetitions by default"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("build/benchmark"), metavar="DIR", help="default build/benchmark"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
