"""What runtimes call a container."""

from __future__ import annotations

__all__ = ["is_container_id"]

_DIGITS = "0123456789abcdef"
_LENGTH = 64


def is_container_id(text: str) -> bool:
    """Whether a runtime made this id for a pod: 64 hexadecimal digits. Nobody else's name looks so."""
    return len(text) == _LENGTH and not text.strip(_DIGITS)
