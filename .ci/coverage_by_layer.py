"""Print the branch coverage of each layer on the command line; exit code 1 where one is below the minimum.

Usage: coverage_by_layer.py coverage.json LAYER...
"""

from __future__ import annotations

import json
import sys

MINIMUM_PERCENT = 90.0


def main() -> int:
    report, *layers = sys.argv[1:]
    with open(report, encoding="utf-8") as file:
        measured = json.load(file)["files"]
    low = []
    print(f"{'layer':10} {'branches':>10} {'covered':>8} {'lines':>8}")
    for layer in layers:
        summaries = [entry["summary"] for path, entry in measured.items() if belongs(path, layer)]
        branches = percent(summaries, "covered_branches", "num_branches")
        lines = percent(summaries, "covered_lines", "num_statements")
        total = sum(summary["num_branches"] for summary in summaries)
        print(f"{layer:10} {total:10} {branches:7.1f}% {lines:7.1f}%")
        if min(branches, lines) < MINIMUM_PERCENT:
            low.append(layer)
    if low:
        print(f"below {MINIMUM_PERCENT:.0f}%: {', '.join(low)}", file=sys.stderr)
    return 1 if low else 0


def belongs(path: str, layer: str) -> bool:
    path = path.replace("\\", "/")
    return path.startswith(f"cni_hns/{layer}/") or path == f"cni_hns/{layer}.py"


def percent(summaries: list[dict[str, int]], covered: str, of: str) -> float:
    """A layer without a single file was not measured at all: that is no coverage, not full coverage."""
    total = sum(summary[of] for summary in summaries)
    done = sum(summary[covered] for summary in summaries)
    return 100.0 * done / total if total else 0.0


if __name__ == "__main__":
    sys.exit(main())
