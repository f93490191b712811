"""Why the runtime did not tell what it was asked."""

from __future__ import annotations

__all__ = ["CriFault", "Refused"]


class CriFault(Exception):
    """The runtime is not there, refuses, hangs, or says what cannot be read; `str()` is one line."""


class Refused(CriFault):
    """The runtime answered a call with a status that is not OK; `status` is gRPC's number for it."""

    def __init__(self, method: str, status: str, words: str) -> None:
        said = " ".join(words.split())
        super().__init__(f"{method.rpartition('/')[2]} was refused (gRPC status {status}): {said}")
        self.status = status
