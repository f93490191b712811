"""All findings there can be, as a page in Markdown: the kinds' tables are its only source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cni_hns.doctor.examine import AREAS
from cni_hns.doctor.repair import REPAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.finding import Area, Kind

__all__ = ["page"]

_HEAD = """# Findings

What `cni-hns doctor` can find. **ill**: pods have, or will have, no network, and the exit code is 1.
**warning**: it only costs something. Each finding has the objects and the cause in its own words; here is
what all of a kind share. This page is made by `cni-hns doctor --kinds`."""

_REPAIRS = """## What `--repair` does

No pod that has its network can lose it by this. `--dry-run` with it says what it would do."""


def page() -> str:
    """The page, with a line feed at its end."""
    parts = [_HEAD, *(part for name, area in AREAS.items() for part in _area(name, area)), _REPAIRS]
    repairs = "\n".join(f"- **{name}** {one.words}." for name, one in REPAIRS.items())
    return "\n\n".join([*parts, repairs]) + "\n"


def _area(name: str, area: Area) -> Iterator[str]:
    yield f"## {name}"
    for kind, about in area.kinds.items():
        yield f"### {kind}"
        yield "\n".join(_facts(about))


def _facts(about: Kind) -> Iterator[str]:
    yield f"- {about.severity}: {about.effect}"
    yield f"- next: {_commands(about.remedy)}"
    if about.repair:
        yield f"- `--repair`: {about.repair}"


def _commands(remedy: str) -> str:
    """Names in capitals, as `--help` has them; a remedy that is one command stands between backticks."""
    text = re.sub(r"{(\w+)}", lambda found: found[1].upper(), remedy)
    return text if "`" in text or not text.startswith("cni-hns ") else f"`{text}`"
