"""Child processes go wrong: they do not start, or they get an order (the plugins of `scenes` obey it)."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import Any, NoReturn

from tests.matrix.faults import Way
from tests.matrix.steps import Steps

__all__ = ["patch"]


def patch(steps: Steps) -> None:
    """From now on each child process that this process starts is a step."""

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, env: dict[str, str] | None = None, **more: Any) -> None:
            given = dict(os.environ if env is None else env)
            way = steps.next_way("child", given.get("CNI_COMMAND", "?"))
            order = "" if way is None else _order(way)
            if way is not None and not order:
                steps.befall(way, _fail)
            more["env"] = {**given, "MATRIX_ORDER": order}
            super().__init__(*arguments, **more)

    patched: Any = subprocess
    patched.Popen = Watched


def _order(way: Way) -> str:
    """What the child is told; empty where it is the parent that something happens to."""
    if way.effect == "fail" and not way.detail.startswith("E"):
        return f"{'after' if way.after else 'before'}:{way.detail}"
    if way.effect in ("hang", "late"):
        return way.effect
    return "killed" if way.kills and way.after else ""


def _fail(name: str) -> NoReturn:
    code = getattr(errno, name)
    raise OSError(code, os.strerror(code))
