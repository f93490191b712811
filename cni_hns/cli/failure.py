"""The one exception that commands raise themselves."""

from __future__ import annotations

__all__ = ["Failure"]


class Failure(Exception):
    """A command cannot do what was asked; `str()` is the one line that says so."""
