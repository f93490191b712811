"""Where the built program's modules are: one file in its contents folder, opened once (build.spec).

In the built program this file runs first, in place of PyInstaller's own start. That one, like Python's
zipimport, opens its archive again for every module and looks around on the disk, and importlib makes two
locks for each; on Windows, where a lock is an object of the kernel, this is much of a short call.

The file: the length of the index in 8 bytes, the index, then the modules' code, all as `marshal` writes it.
"""

# No `from __future__ import annotations`: that module is one of those that are found from here.
import _frozen_importlib
import marshal
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import ExtensionFileLoader
from _thread import RLock, allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, ModuleType
    from typing import Any

__all__ = ["FILE", "ImportLock", "PackedModules", "pack"]

FILE = "modules.bin"

_LENGTH_BYTES = 8


def pack(path: str, code: "Mapping[str, tuple[CodeType, bool]]", extensions: "Mapping[str, str]") -> None:
    """Write the file: each module's code and whether it is a package, each extension's path in the folder."""
    index: dict[str, tuple[int, int, bool] | str] = dict(extensions)
    bodies, offset = [], 0
    for name, (body, is_package) in sorted(code.items()):
        bodies.append(marshal.dumps(body))
        index[name] = (offset, len(bodies[-1]), is_package)
        offset += len(bodies[-1])
    head = marshal.dumps(dict(sorted(index.items())))
    with open(path, "wb") as file:
        file.write(len(head).to_bytes(_LENGTH_BYTES, "little") + head)
        file.writelines(bodies)


class PackedModules:
    """Finds and loads the modules of the file in this folder; stays open for as long as the program runs."""

    def __init__(self, folder: str, separator: str) -> None:
        self._folder = folder
        self._separator = separator
        # Unbuffered: a buffer would read on behind each module.
        self._file = open(folder + separator + FILE, "rb", 0)  # noqa: SIM115
        length = int.from_bytes(self._file.read(_LENGTH_BYTES), "little")
        self._index = _loads(self._file.read(length))
        self._start = _LENGTH_BYTES + length
        self._lock = allocate_lock()

    @property
    def names(self) -> list[str]:
        """Every module of the file, and every extension beside it."""
        return list(self._index)

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """What `import` asks where a module is neither built in nor frozen; None: it is nowhere."""
        entry = self._index.get(name)
        if entry is None:
            return None
        if isinstance(entry, str):
            file = self._path(entry.split("/"))
            return _located(ModuleSpec(name, ExtensionFileLoader(name, file), origin=file))
        place = self._path(name.split("."))
        spec = ModuleSpec(name, self, origin=place + ".pyc", is_package=entry[2])  # type: ignore[arg-type]
        if entry[2]:
            spec.submodule_search_locations = [place]
        return _located(spec)

    def create_module(self, _: ModuleSpec) -> "ModuleType | None":
        """The usual one."""
        return None

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module's code in it."""
        offset, length, _ = self._index[module.__name__]
        with self._lock:
            self._file.seek(self._start + offset)
            body = self._file.read(length)
        exec(_loads(body), module.__dict__)  # noqa: S102 - it is how a module comes to be

    def close(self) -> None:
        """Give the file back; nothing more can be loaded."""
        self._file.close()

    def _path(self, parts: list[str]) -> str:
        return self._separator.join([self._folder, *parts])


class ImportLock:
    """What importlib holds while it loads a module: here one lock for all modules.

    A thread that imports waits for any other that does, not only for one that loads the same module. None
    waits for ever: no module of this program waits for another thread while it is loaded.
    """

    _of_all = RLock()

    def __init__(self, _name: str) -> None:
        pass

    def acquire(self) -> bool:
        """Wait for it; the thread that has it gets it again."""
        return self._of_all.acquire()

    def release(self) -> None:
        """Give it back, once for each time that it was acquired."""
        self._of_all.release()


def _loads(data: bytes) -> "Any":
    # Not from outside: the file is as much the program as the exe is, and `install` checks its digest.
    return marshal.loads(data)  # noqa: S302


def _located(spec: ModuleSpec) -> ModuleSpec:
    # Gives the module a __file__.
    spec.has_location = True
    return spec


if __name__ == "__main__":
    sys.frozen = True  # type: ignore[attr-defined]
    _FOLDER = sys._MEIPASS  # type: ignore[attr-defined]  # noqa: SLF001 - PyInstaller's name for it
    _frozen_importlib._ModuleLock = ImportLock  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other name
    # In the place of Python's own search: what the file does not have is nowhere.
    sys.meta_path[2:] = [PackedModules(_FOLDER, "\\" if sys.platform == "win32" else "/")]
