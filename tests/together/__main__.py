"""`python -m tests.together`: many processes at once, or one process on a node with many attachments."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.together.crowd import crowd
from tests.together.many import many


def main(arguments: list[str]) -> int:
    """Exit codes: 0 nothing failed, 1 something did, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="together-") as folder:
        node = Path(folder) / "node"
        if options.attachments:
            _say(f"every verb on a node with {options.attachments} attachments")
            tally = many(node, options.attachments)
        else:
            _say(f"{options.processes} processes at once for {options.seconds:g} s, seed {seed}")
            tally = crowd(node, options.processes, options.seconds, seed)
    for line in tally.lines():
        _say(line)
    return 1 if tally.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.together", description=__doc__)
    parser.add_argument("--processes", type=int, default=16, metavar="N", help="default 16")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="default 60")
    parser.add_argument("--seed", type=int, metavar="N", help="which verbs, kills and faults; default: any")
    parser.add_argument(
        "--attachments", type=int, default=0, metavar="N", help="instead: each verb on a node with so many"
    )
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
