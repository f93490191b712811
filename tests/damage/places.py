"""Which bytes are flipped: every one of SQLite's header, and so many drawn from the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["HEADER", "Flip", "flips"]

HEADER = 100
"""Bytes of https://www.sqlite.org/fileformat.html#the_database_header."""


class Flip(NamedTuple):
    """One byte of the file, changed in the bits of `mask`."""

    offset: int
    mask: int

    def __str__(self) -> str:
        return f"{self.offset}:{self.mask:#04x}"

    @property
    def damage(self) -> Callable[[Path], None]:
        """Does it to a file."""

        def flip(file: Path) -> None:
            with file.open("r+b") as opened:
                opened.seek(self.offset)
                (byte,) = opened.read(1)
                opened.seek(self.offset)
                opened.write(bytes([byte ^ self.mask]))

        return flip


def flips(sound: bytes, places: int, seed: int) -> list[Flip]:
    """The whole header once, then as many places as asked for; half of them where there is something.

    Most of a young ledger is free space: places drawn from the whole file alone would seldom hit a value.
    """
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    written = [offset for offset, byte in enumerate(sound) if byte]
    drawn = [
        chance.choice(written) if number % 2 else chance.randrange(len(sound)) for number in range(places)
    ]
    return [Flip(offset, chance.randrange(1, 256)) for offset in [*range(HEADER), *drawn]]
