"""`python -m tests.damage`: flip bytes of the ledger, and hold verbs and rebuild against the truth."""

from __future__ import annotations

import argparse
import os
import secrets
import sys

from tests.damage.campaign import Campaign
from tests.damage.places import Flip

_SHOWN = 40


def main(arguments: list[str]) -> int:
    """Exit codes: 0 nothing failed, 1 something did, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    campaign = Campaign(options.places, seed, options.processes)
    _say(f"the header and {options.places} places, seed {seed}")
    campaign.run(options.at)
    for verb, codes in campaign.codes.items():
        counted = ", ".join(f"{code or 'success'} {count}" for code, count in codes.most_common())
        _say(f"{verb:12} {counted}")
    _say(f"flips      {len(campaign.flips)}")
    _say(f"failures   {sum(map(len, campaign.failures.values()))} of {len(campaign.failures)} kinds")
    ordered = sorted(campaign.failures.items(), key=lambda one: -len(one[1]))
    for (step, words), places in ordered[:_SHOWN]:
        _say(f"  {step}: {words} ({len(places)} flips, such as --at {min(places)})")
    return 1 if campaign.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.damage", description=__doc__)
    parser.add_argument("--places", type=int, default=2000, metavar="N", help="default 2000")
    parser.add_argument("--seed", type=int, metavar="N", help="which places; default: any")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="default: one per core"
    )
    parser.add_argument("--at", type=_flip, metavar="OFFSET:MASK", help="this flip alone")
    return parser


def _flip(text: str) -> Flip:
    offset, _, mask = text.partition(":")
    return Flip(int(offset), int(mask, 16))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
