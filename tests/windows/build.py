"""Builds the stand-in DLLs with mingw: `python -m tests.windows.build FOLDER`.

hns_standin.dll is the one that talks; the others pass their calls to it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["COMPILER", "FLAGS", "build", "compile_dll"]

COMPILER = "x86_64-w64-mingw32-gcc"
FLAGS = [
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-s",
    "-static-libgcc",
    "-Wl,--no-insert-timestamp",
]

_HERE = Path(__file__).parent
_STANDIN = "hns_standin"
_LIBRARIES = {
    "computenetwork": [_STANDIN],
    "vmcompute": [_STANDIN, "ole32"],
    "computecore": [_STANDIN],
    "bcryptprimitives": ["advapi32"],
}


def build(folder: Path | str) -> list[Path]:
    """All DLLs, in the folder.

    Raises:
        subprocess.CalledProcessError: the compiler refuses.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = [compile_dll("standin", target / f"{_STANDIN}.dll", ["ole32", "ws2_32", "uuid"])]
    made += [compile_dll(name, target / f"{name}.dll", needs) for name, needs in _LIBRARIES.items()]
    return made


def compile_dll(source: str, target: Path, needs: list[str]) -> Path:
    """One DLL of `source`.c and, if there is one, `source`.def, linked against the named libraries."""
    files = [str(path) for path in (_HERE / f"{source}.c", _HERE / f"{source}.def") if path.exists()]
    libraries = [f"-L{target.parent}", *(f"-l{name}" for name in needs)]
    subprocess.run([COMPILER, *FLAGS, "-shared", "-o", str(target), *files, *libraries], check=True)
    return target


if __name__ == "__main__":
    build(sys.argv[1])
