"""One case on both: the peer, or its row of data, beside our program under the peer's name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.differential.cases import Case
from tests.differential.comparison import Difference, compared
from tests.differential.generated import generated
from tests.differential.picture import Picture, picture
from tests.differential.subject import Observed, Subject, observed, subject
from tests.differential.told import observed_by_row, told, told_cases
from tests.lane import Lane

__all__ = ["Trials", "every"]


def every() -> list[Case]:
    """All cases, in their order."""
    return [*generated(), *told_cases()]


class Trials:
    """The two subjects, for one case after another."""

    def __init__(self, peer: Subject, ours: Subject) -> None:
        self._peer, self._ours = peer, ours

    @classmethod
    @contextmanager
    def beginning(cls, lane: Lane, folder: Path) -> Iterator[Trials]:
        """Both subjects, with drives of their own below the folder."""
        with (
            subject(lane, folder / "peer", ours=False) as peer,
            subject(lane, folder / "ours", ours=True) as ours,
        ):
            yield cls(peer, ours)

    def run(self, case: Case) -> list[Difference]:
        """What differs in this case."""
        return compared(_pictures(self._by_the_peer(case), case), _pictures(observed(self._ours, case), case))

    def _by_the_peer(self, case: Case) -> dict[str, Observed]:
        if case.name not in told():
            return observed(self._peer, case)
        folder = self._peer.folder / "told"
        shutil.rmtree(folder, ignore_errors=True)
        return observed_by_row(folder, case)


def _pictures(steps: dict[str, Observed], case: Case) -> dict[str, Picture]:
    known: dict[str, str] = {}
    return {name: picture(each, case.config["name"], known) for name, each in steps.items()}
