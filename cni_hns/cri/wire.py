"""Protocol buffers as they are on the wire: https://protobuf.dev/programming-guides/encoding/.

A message says only number and value of each field; what they mean stands in the service's api.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.cri.faults import CriFault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Message", "text_field"]

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_WIDTHS = {_FIXED_64: 8, _FIXED_32: 4}
# A varint has seven bits in each byte, and no number more than 64 bits.
_LONGEST_VARINT = 10


class Message:
    """One message; of a field that it does not have, or has in another type, the empty value.

    Raises: CriFault: these bytes are no message.
    """

    def __init__(self, encoded: bytes) -> None:
        self._fields = list(_fields(encoded))

    def number(self, field: int) -> int:
        return next((one for one in self._of(field) if isinstance(one, int)), 0)

    def text(self, field: int) -> str:
        return next((one.decode(errors="replace") for one in self._of(field) if isinstance(one, bytes)), "")

    def message(self, field: int) -> Message:
        """An empty one stands for one that is missing.

        Raises: CriFault: the field is no message.
        """
        return next(self._messages(field), Message(b""))

    def messages(self, field: int) -> list[Message]:
        """All of a repeated field.

        Raises: CriFault: one of them is no message.
        """
        return list(self._messages(field))

    def _messages(self, field: int) -> Iterator[Message]:
        return (Message(one) for one in self._of(field) if isinstance(one, bytes))

    def _of(self, field: int) -> Iterator[int | bytes]:
        return (value for number, value in self._fields if number == field)


def text_field(field: int, text: str) -> bytes:
    """A message with this one field."""
    encoded = text.encode()
    return _varint(field << 3 | _BYTES) + _varint(len(encoded)) + encoded


def _fields(encoded: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(encoded):
        tag, at = _read_varint(encoded, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read_varint(encoded, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            width, at = _read_varint(encoded, at)
        elif kind in _WIDTHS:
            width = _WIDTHS[kind]
        else:
            raise CriFault("the runtime's answer is no protobuf message")
        if at + width > len(encoded):
            raise CriFault("the runtime's answer ends within a field")
        yield tag >> 3, encoded[at : at + width]
        at += width


def _read_varint(encoded: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends."""
    value = 0
    for place, byte in enumerate(encoded[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the eighth bit says that another byte follows
            return value, at + place + 1
    raise CriFault("the runtime's answer ends within a number, or has one of more than 64 bits")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - as above
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
