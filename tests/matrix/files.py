"""File operations on the reservations go wrong."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tests.matrix.steps import Steps

__all__ = ["patch"]

_OF_PATHS = (
    *("stat", "lstat", "listdir", "scandir", "unlink", "remove", "rename", "replace", "link", "symlink"),
    *("mkdir", "rmdir", "chmod", "utime", "truncate"),
)
_OF_DESCRIPTORS = ("write", "fsync", "ftruncate", "fchmod")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def patch(steps: Steps, folder: Path) -> None:
    """From now on each operation below `folder` of this process is a step."""
    import fcntl  # Windows has none: there the tests are collected, and skipped

    watched = _Watched(steps, str(folder))
    for name in _OF_PATHS:
        setattr(os, name, watched.of_path(name, getattr(os, name)))
    for name in _OF_DESCRIPTORS:
        setattr(os, name, watched.of_descriptor(name, getattr(os, name)))
    fcntl.flock = watched.of_descriptor("flock", fcntl.flock)
    os.open = watched.opening(os.open)
    builtins.open = watched.opening_a_file(builtins.open)


class _Watched:
    def __init__(self, steps: Steps, folder: str) -> None:
        self._steps = steps
        self._folder = folder
        self._descriptors: set[int] = set()

    def of_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **more: Any) -> Any:
            if not self._is_below(arguments[0] if arguments else "", more):
                return real(*arguments, **more)
            return self._take(name, arguments[0], lambda: real(*arguments, **more))

        return operation

    def of_descriptor(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(descriptor: int, *arguments: Any) -> Any:
            if descriptor not in self._descriptors:
                return real(descriptor, *arguments)
            return self._take(name, "", lambda: real(descriptor, *arguments))

        return operation

    def opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def operation(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
            if not self._is_below(path, more):
                return real(path, flags, *arguments, **more)
            what = "open" if flags & _WRITES else "read"
            descriptor: int = self._take(what, path, lambda: real(path, flags, *arguments, **more))
            self._descriptors.add(descriptor)
            return descriptor

        return operation

    def opening_a_file(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(path: Any, mode: str = "r", *arguments: Any, **more: Any) -> Any:
            if not self._is_below(path, more):
                return real(path, mode, *arguments, **more)
            what = "open" if set(mode) & set("wax+") else "read"
            return self._take(what, path, lambda: real(path, mode, *arguments, **more))

        return operation

    def _is_below(self, path: Any, more: dict[str, Any]) -> bool:
        if isinstance(path, int):
            return path in self._descriptors
        return more.get("dir_fd") in self._descriptors or os.fspath(path or "").startswith(self._folder)

    def _take(self, what: str, path: Any, work: Callable[[], Any]) -> Any:
        def fail(name: str) -> NoReturn:
            code = getattr(errno, name)
            raise OSError(code, os.strerror(code), str(path))

        return self._steps.take("file", what, work, fail)
