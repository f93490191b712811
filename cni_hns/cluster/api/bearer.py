"""The token that a request carries: of a file that somebody renews, or one that stays.

kubelet renews a pod's token before it has lived for 80% of its time, and at least once a day:
https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from cni_hns.cluster.api.faults import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.api.credentials import Access

__all__ = ["Bearer", "token_in"]

_EVERY_S = 60.0
# A token has a few kilobytes at most, and so a header line.
_LONGEST = 1 << 16


class Bearer:
    """Reads a file again when a minute has passed, or when it is told that the token was refused."""

    def __init__(self, access: Access, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._file = access.token_file
        self._token = access.token.value
        self._clock_s = clock_s
        self._read_s: float | None = None
        self._lock = threading.Lock()

    def token(self) -> str:
        """The token of now; "" where a certificate says who asks.

        Raises: Unauthorized: the file has never been readable.
        """
        if not self._file:
            return self._token
        with self._lock:
            if self._read_s is None or self._clock_s() - self._read_s >= _EVERY_S:
                self._read()
            return self._token

    def has_another(self, refused: str) -> bool:
        """Read again at once: whether there is a token other than the one that was refused."""
        if not self._file:
            return False
        with self._lock:
            self._read()
            return self._token != refused

    def _read(self) -> None:
        """An older token is better than none: the file may just be replaced."""
        try:
            self._token = token_in(self._file)
        except (OSError, ValueError) as fault:
            if not self._token:
                raise Unauthorized(f'the token file "{self._file}" gives no token: {_why(fault)}') from fault
        self._read_s = self._clock_s()


def token_in(file: str) -> str:
    """The token that the file has.

    Raises: OSError. ValueError: what it has is no token; the words do not show it.
    """
    with open(file, "rb") as opened:
        text = opened.read(_LONGEST + 1)
    token = text.strip()
    if not token:
        raise ValueError("it is empty")
    if len(text) > _LONGEST or any(not 0x21 <= one <= 0x7E for one in token):  # noqa: PLR2004 - what prints in ASCII
        raise ValueError("what it has is no token: one word of ASCII characters is expected")
    return token.decode()


def _why(fault: Exception) -> str:
    return (isinstance(fault, OSError) and fault.strerror) or str(fault)
