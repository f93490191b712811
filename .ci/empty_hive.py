"""An empty registry hive, as `reg load` of a new file leaves one: a base block, and a root key with rights.

Source: https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md
"""

from __future__ import annotations

import struct

BLOCK = 4096
# 2020-01-01, in the registry's 100 ns since 1601: the same bytes each time.
WRITTEN = 132_223_104_000_000_000
# Nothing: an offset of this value leads nowhere.
NOWHERE = 0xFFFFFFFF
ROOT_AT, RIGHTS_AT = 0x20, 0x80
# The root of a hive, which cannot be deleted, with a name of one byte a letter.
ROOT_FLAGS = 0x04 | 0x08 | 0x20


def empty_hive(name: str, rights: bytes) -> bytes:
    """The file of a hive without a value; `rights` is the root key's security descriptor, self-relative."""
    return _base_block(name) + _bin(_cell(_key()), _cell(_security(rights)))


def _base_block(name: str) -> bytes:
    begin = b"regf" + struct.pack(
        "<IIQIIIIIII", 1, 1, WRITTEN, 1, 3, 0, 1, ROOT_AT, BLOCK, 1
    )  # as many writes begun as ended, version 1.3, primary file, in memory, root, length of bins, factor
    begin = (begin + name.encode("utf-16-le")).ljust(508, b"\0")
    return (begin + struct.pack("<I", _checksum(begin))).ljust(BLOCK, b"\0")


def _checksum(begin: bytes) -> int:
    """Exclusive or of the 127 numbers before it; 0 and its opposite are never written."""
    total = 0
    for (number,) in struct.iter_unpack("<I", begin):
        total ^= number
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(total, total)


def _bin(root: bytes, rights: bytes) -> bytes:
    used = b"hbin" + struct.pack("<IIQQI", 0, BLOCK, 0, WRITTEN, 0)
    used = (used + root).ljust(RIGHTS_AT, b"\0") + rights
    free = struct.pack("<i", BLOCK - len(used))
    return (used + free).ljust(BLOCK, b"\0")


def _cell(content: bytes) -> bytes:
    """In eights; a size below zero says that it is in use."""
    size = -(-(len(content) + 4) // 8) * 8
    return (struct.pack("<i", -size) + content).ljust(size, b"\0")


def _key() -> bytes:
    name = b"ROOT"
    numbers = (0, 0, 0, 0, NOWHERE, NOWHERE, 0, NOWHERE, RIGHTS_AT, NOWHERE, 0, 0, 0, 0, 0)
    # access bits, parent; keys and volatile ones, where; values, where; rights; class; the longest of each
    head = b"nk" + struct.pack("<HQ15IHH", ROOT_FLAGS, WRITTEN, *numbers, len(name), 0)
    # The cell reaches to where the rights' begins.
    return (head + name).ljust(RIGHTS_AT - ROOT_AT - 4, b"\0")


def _security(rights: bytes) -> bytes:
    """The only one: the next and the one before it are itself, and one key uses it."""
    return b"sk" + struct.pack("<HIIII", 0, RIGHTS_AT, RIGHTS_AT, 1, len(rights)) + rights
