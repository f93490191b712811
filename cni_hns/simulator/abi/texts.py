"""C data of the caller as Python values."""

from __future__ import annotations

from typing import Any

from cni_hns.binding._generated_ffi import ffi

__all__ = ["guid_text", "text"]


def text(pointer: Any) -> str | None:
    """The UTF-16 text, or None for NULL."""
    return None if pointer == ffi.NULL else str(ffi.string(pointer))


def guid_text(pointer: Any) -> str:
    """The GUID, lower-case; the zero GUID for NULL. The first three fields are little-endian in memory."""
    raw = bytes(ffi.buffer(pointer, 16)) if pointer != ffi.NULL else bytes(16)
    digits = (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
