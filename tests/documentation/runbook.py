"""docs/runbook.md: its words are written, and what its commands print is what they print.

A block of the kind `console` below the heading of a situation shows the node of that situation. What stands
there below `PS> cni-hns …` is printed anew; what other programs print is kept as it was written.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, chdir, contextmanager
from pathlib import Path
from unittest import mock

from tests.documentation.known import has_options, unknown
from tests.documentation.once import as_once
from tests.documentation.situations import SITUATIONS, Situation
from tests.packaging import current

__all__ = ["page"]

_PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_PROMPT = "PS> cni-hns "
_SCREEN = {"COLUMNS": "300", "NO_COLOR": "1"}


def page() -> str:
    """The page with what the commands print now."""
    before, *sections = re.split(r"^(?=## )", _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return before + "".join(map(_section, sections))


def _section(text: str) -> str:
    heading = text.partition("\n")[0].removeprefix("## ")
    if heading not in SITUATIONS:
        return text
    with _staged(heading) as here:
        return _BLOCK.sub(lambda block: _typed_anew(here, block[0]), text)


@contextmanager
def _staged(heading: str) -> Iterator[Situation]:
    """The commands are typed in the folder of the configurations, and the screen is wider than any line."""
    with tempfile.TemporaryDirectory() as folder:
        here = Situation(Path(folder))
        try:
            SITUATIONS[heading](here)
            with chdir(here.conf_dir), mock.patch.dict(os.environ, _SCREEN), _patience():
                yield here
        finally:
            here.close()


def _patience() -> AbstractContextManager[object]:
    """On a busy machine, too, the page shows all answers: by itself `status` waits little more than 1 s."""
    return mock.patch("cni_hns.cli.status.readings.LIMIT_S", 60.0)


def _typed_anew(here: Situation, block: str) -> str:
    """Each line with a prompt, and what follows it."""
    return "".join(_answered(here, one) for one in re.split(r"^(?=PS> )", block, flags=re.MULTILINE) if one)


def _answered(here: Situation, told: str) -> str:
    line = told.partition("\n")[0]
    words = shlex.split(line.removeprefix(_PROMPT))
    if not line.startswith(_PROMPT) or unknown(words):
        return told
    return f"{line}\n{as_once(here, _output(here, words))}"


def _output(here: Situation, words: Sequence[str]) -> str:
    """In this process; what passes streams on needs one of its own."""
    if tuple(words[:2]) != ("container", "exec"):
        printed = here.node.command(*words, *_containerds_folders(here, words))
        return printed.stdout + printed.stderr
    process = current().start(here.node.environment, b"", arguments=words)
    stdout, stderr = process.communicate()
    return (stdout + stderr).decode().replace("\r\n", "\n")


def _containerds_folders(here: Situation, words: Sequence[str]) -> list[str]:
    """On the node of the page they are the usual ones, and nobody has to type them."""
    if not has_options(words, "--bin-dir", "--conf-dir"):
        return []
    return ["--bin-dir", str(here.bin_dir), "--conf-dir", str(here.conf_dir)]
