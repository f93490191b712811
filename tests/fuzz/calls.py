"""One input carried out in this process: the node laid out, the call made, and everything looked at."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from cni_hns.log import Log
from cni_hns.plugin import run
from cni_hns.stdio import Outlet
from tests.fuzz.damage import flip, set_columns
from tests.fuzz.inputs import Input
from tests.fuzz.lies import lying_libraries
from tests.fuzz.oracle import Fault, Observed, judged
from tests.fuzz.pictures import Picture, taken
from tests.fuzz.scenes import Workshop, realised, write_plugin
from tests.harness import ROOT, SimulatedNode
from tests.packaging import current

__all__ = ["Outcome", "carry_out"]

# What is judged, the code of the answer (None where there is none), and what was printed.
Outcome = tuple[list[Fault], int | None, str]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_DYING_LOOKS = 100
_DYING_PAUSE_S = 0.01

Leave = Callable[[Outcome], object]


class _Listening(Log):
    """The log, which also tells where an unforeseen exception came from."""

    def __init__(self) -> None:
        super().__init__()
        self.cause = ""

    def event(self, message: str, level: str = "info", *, on_stderr: bool = True, **fields: object) -> None:
        if isinstance(trace := fields.get("trace"), list) and message.startswith("unforeseen"):
            self.cause = _origin([str(line) for line in trace])
        super().event(message, level, on_stderr=on_stderr, **fields)


def _origin(trace: list[str]) -> str:
    """The last exception of a trace, and the last place of ours before it came out."""
    kind = next((line for line in reversed(trace) if not line.startswith(" ")), "")
    package = str(ROOT / "cni_hns")
    place = next((line.strip() for line in reversed(trace) if package in line), "")
    return f"{kind} {place.replace(str(ROOT) + '/', '')}".strip()


def carry_out(one: Input, workshop: Workshop, left: Leave) -> Outcome:
    """What is wrong with the answer to this input.

    Where the program leaves its process, because its deadline is over, `left` gets the outcome instead.
    """
    node = workshop.lay_out(one.base, one.pods)
    try:
        if one.ipam:
            write_plugin(workshop.node, one.ipam)
        ledger = Path(node.ledger_path)
        set_columns(ledger, one.ledger)
        flip(ledger, one.flips)
        before = taken(node)
        seen = _as_process(one, node) if one.process else _in_process(one, node, left)
        after = taken(node)
        seen = seen._replace(log=_log(workshop.node), held=(*seen.held, *_held(node)))
        return _outcome(one, seen, before, after)
    finally:
        with contextlib.suppress(AssertionError):
            node.close()
        node.simulator.close()


def _outcome(one: Input, seen: Observed, before: Picture | None, after: Picture | None) -> Outcome:
    code = None
    if seen.exit_code != 0:
        with contextlib.suppress(ValueError, AttributeError):
            code = json.loads(seen.stdout).get("code")
    return judged(one, seen, before, after), code, seen.stdout


def _in_process(one: Input, node: SimulatedNode, left: Leave) -> Observed:
    stdin = one.stdin().decode("latin-1").replace("@NODE@", str(node.folder)).encode("latin-1")
    if one.raw is None:
        stdin = json.dumps(realised(one.document, node.folder)).encode()
    log, said = _Listening(), io.StringIO()

    def leave_late(code: int) -> None:
        left(_outcome(one, Observed(printed[0], code, late=True), None, None))

    printed: list[str] = []
    outlet = Outlet(printed.append, leave_late)
    libraries = lying_libraries(node.simulator, one.hns)
    before_mb = _memory_mb("VmRSS")
    _forget_peak()
    with contextlib.redirect_stderr(said):
        try:
            answer = run(
                _variables(one, node),
                lambda _: stdin,
                lambda: (libraries, node.simulator.machine()),
                log,
                outlet=outlet,
            )
            outlet.deliver(answer.stdout)
        except BaseException as fault:  # a front door that raises is what is looked for
            step = traceback.extract_tb(fault.__traceback__)[-1]
            return Observed("", 1, raised=f"{type(fault).__name__} {step.filename}:{step.lineno}")
    libraries.close()  # what is still held now is a leak
    text = (printed or [""])[0].encode("utf-8", "backslashreplace").decode()
    return Observed(
        text,
        answer.exit_code,
        cause=log.cause,
        stderr=said.getvalue(),
        descriptor=_slipped_out(),
        grown_mb=_memory_mb("VmHWM") - before_mb,
    )


def _variables(one: Input, node: SimulatedNode) -> dict[str, str]:
    variables = one.variables()
    if "CNI_PATH" in variables:
        # A program is started from there: nowhere but on the node.
        folders = variables["CNI_PATH"].split(os.pathsep)
        variables["CNI_PATH"] = os.pathsep.join(str(realised(folder, node.folder)) for folder in folders)
    return {name: _passable(value.replace("@NODE@", str(node.folder))) for name, value in variables.items()}


def _passable(value: str) -> str:
    """The variable as a system passes one: bytes, of which Python makes text."""
    return os.fsdecode(value.encode("utf-8", "surrogatepass"))


def _as_process(one: Input, node: SimulatedNode) -> Observed:
    raw = one.stdin() if one.raw is not None else json.dumps(realised(one.document, node.folder)).encode()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CNI_")}
    kept |= {"PYTHONPATH": str(ROOT), **node.environment}
    ended = subprocess.run(
        current().command(),
        input=raw,
        env={**kept, **_variables(one, node)},
        capture_output=True,
        check=False,
        cwd=node.folder,
    )
    stderr = ended.stderr.decode(errors="replace")
    try:
        text = ended.stdout.decode()
    except UnicodeDecodeError:
        return Observed("not UTF-8", ended.returncode)
    return Observed(text, ended.returncode, stderr=stderr)


def _held(node: SimulatedNode) -> list[str]:
    """What the program had not given back when it was done: handles, buffers, child processes."""
    left = [f"{leak.kind}: {_GUID.sub('one', leak.text)}" for leak in node.simulator.leaks()]
    return left + ["process of the IPAM plugin"] * _children_left()


def _children_left() -> int:
    """How many of the program's child processes live on; they are ended. Dying takes a moment."""
    patience = _DYING_LOOKS
    while children := _children():
        for child in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        patience -= 1
        if patience == 0:
            return _ended(_children())
        time.sleep(_DYING_PAUSE_S)
    return 0


def _ended(children: list[int]) -> int:
    for child in children:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return len(children)


def _children() -> list[int]:
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _log(folder: Path) -> str:
    file = folder / "cni.log"
    return file.read_text(errors="replace") if file.is_file() else ""


def _slipped_out() -> bytes:
    """What was written to descriptor 1, which in a worker is an empty file."""
    size = os.fstat(1).st_size
    found = os.pread(1, min(size, 1_000), 0)
    if size:
        os.ftruncate(1, 0)
    return found


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(what: str) -> float:
    """This process's memory now (VmRSS), or at most since its peak was forgotten (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    return 0.0
