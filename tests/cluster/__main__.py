"""`python -m tests.cluster`: simulated Windows nodes with agents on a real control plane; things happen."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.cluster.journal import Journal
from tests.cluster.many import cluster, happen
from tests.lane import Lane


def main(arguments: list[str]) -> int:
    """Exit codes: 0 nothing failed, 1 something did, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    _say(f"{options.nodes} nodes, {options.mode}, for {options.seconds:g} s, seed {seed}")
    journal = Journal(options.within)
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        with cluster(Path(folder), Lane.here(), options.nodes, options.mode, journal) as there:
            happen(there, options.seconds, seed)
        for member in there.members if journal.failures else []:
            _say(f"the agent of {member.node.name} said last:\n{member.last_words()}")
    for line in journal.lines():
        _say(line)
    return 1 if journal.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.cluster", description=__doc__)
    parser.add_argument("--nodes", type=int, default=4, metavar="N", help="default 4; at least 3")
    parser.add_argument("--mode", choices=["overlay", "l2bridge"], default="overlay", help="default overlay")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="default 60")
    parser.add_argument("--seed", type=int, metavar="N", help="what happens, and where; default: any")
    parser.add_argument(
        "--within",
        type=float,
        default=20.0,
        metavar="S",
        help="routes must be complete so soon after a change; default 20, on a free machine it is below 2",
    )
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
