"""Digests by CPython's own C modules.

`hashlib` loads OpenSSL, or else every digest that there is: both take longer than what a verb uses them for.
"""

from __future__ import annotations

__all__ = ["sha1", "sha256"]


def sha1(data: bytes) -> bytes:
    """The digest that RFC 9562 makes names of."""
    try:
        from _sha1 import sha1 as made  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha1 as made
    digest: bytes = made(data, usedforsecurity=False).digest()
    return digest


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    try:
        from _sha2 import sha256 as made  # type: ignore[import-not-found]
    except ImportError:
        try:
            from _sha256 import sha256 as made  # type: ignore[import-not-found]  # CPython 3.11
        except ImportError:
            from hashlib import sha256 as made
    text: str = made(data).hexdigest()
    return text
