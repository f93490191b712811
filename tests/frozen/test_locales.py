"""The built programs write UTF-8 on each machine, whatever its locale or code page is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.frozen.conftest import Built, ended
from tests.lane.lane import there

_CHARMAP = Path("/usr/share/i18n/charmaps/ISO-8859-1.gz")
_LOCALEDEF = "/usr/bin/localedef"
LATIN_1 = "de_DE.ISO-8859-1"


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales with one that is not UTF-8."""
    there(_CHARMAP)
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run([_LOCALEDEF, "-i", "de_DE", "-f", "ISO-8859-1", str(folder / LATIN_1)], check=True)
    return folder


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", LATIN_1])
def test_what_is_printed_is_utf_8_in_every_locale(built: Built, locales: Path, locale: str) -> None:
    built.node.simulator.plant("network", {"Name": "Größe", "Type": "NAT"})
    done = ended(built.start(built.exe, "network", "list", LC_ALL=locale, LOCPATH=str(locales)))
    assert (done.exit_code, done.err) == (0, "")
    assert "Größe" in done.out
