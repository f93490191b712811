"""Record the demo as a picture: it runs on a terminal of its own, and what it shows there becomes an SVG.

    python -m tests.documentation.recording [--out FILE] [ARGUMENT…]

The arguments are those of `cni-hns`, `demo` without any. A Unix is needed, for its terminals.
"""

from __future__ import annotations

import argparse
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from cni_hns.__main__ import choose_hns
from tests.documentation.pages import DOCS
from tests.terminal import screen

__all__ = ["main", "recorded"]

RECORDING = DOCS / "demo.svg"
_COLUMNS = 100
# rich's picture names fonts of a server elsewhere: a page that is looked at fetches nothing.
_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def recorded(arguments: Sequence[str]) -> str:
    """The SVG of one command: its line with the prompt, and all that it showed on its terminal.

    Raises:
        SystemExit: it failed.
    """
    seen = screen(arguments, _COLUMNS, choose_hns(os.environ))
    if seen.exit_code:
        raise SystemExit(f"{seen.text}\ncni-hns {' '.join(arguments)}: exit code {seen.exit_code}")
    terminal = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    shown = seen.raw.replace("\r\n", "\n")
    terminal.print(Text.from_ansi(f"$ cni-hns {' '.join(arguments)}\n{shown}"))
    picture = terminal.export_svg(title="cni-hns", theme=MONOKAI, unique_id="cni-hns")
    return _FONTS.sub("", picture)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Record a command of cni-hns as an SVG.")
    parser.add_argument("--out", type=Path, default=RECORDING, help="the picture (default: docs/demo.svg)")
    parser.add_argument("arguments", nargs="*", default=["demo"], help="of cni-hns (default: demo)")
    chosen = parser.parse_args(arguments)
    chosen.out.write_text(recorded(chosen.arguments), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
