"""The built programs ask a container runtime: over a Unix socket, and on Windows over a named pipe."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.frozen.conftest import Built
from tests.harness import container_id, l2bridge
from tests.lane import Lane
from tests.unit.cri.fake_runtime import FakeRuntime, listed_container, listed_sandbox, served

_BRIDGE = Path(__file__).parent.parent / "windows" / "pipe_script.py"


@contextmanager
def piped(lane: Lane, *port: str) -> Iterator[str]:
    """A named pipe that leads to this port, or to nobody: its endpoint."""
    name = f"cri-{uuid.uuid4()}"
    with subprocess.Popen(
        lane.wine_command(lane.python, lane.windows_path(_BRIDGE), rf"\\.\pipe\{name}", *port),
        env=lane.wine_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"serving"
            yield f"npipe:////./pipe/{name}"
        finally:
            process.kill()


@pytest.fixture
def runtime(built: Built, lane: Lane) -> Iterator[FakeRuntime]:
    """A runtime at the kind of endpoint that this system has."""
    if built.windows:
        with served("127.0.0.1:0") as running, piped(lane, running.endpoint.rpartition(":")[2]) as endpoint:
            running.endpoint = endpoint
            yield running
    else:
        folder = tempfile.TemporaryDirectory(prefix="cri-")
        with folder as short, served(f"unix://{short}/cri.sock") as running:
            yield running


def test_a_pod_has_the_name_that_the_runtime_tells(built: Built, runtime: FakeRuntime) -> None:
    id_ = container_id()
    added = built.verb(built.exe, "ADD", l2bridge(), id_, built.node.namespace())
    assert added.exit_code == 0, added
    others = [listed_sandbox(f"{n:064x}", f"web-{n}") for n in range(1, 150)]
    runtime.sandboxes = [listed_sandbox(id_), *others]
    runtime.containers = [listed_container("c1", id_)]
    runtime.addresses = {id_: ["10.88.0.2"]}
    seen = built.run(built.exe, "pod", "list", "--cri", runtime.endpoint, "--json")
    assert (seen.exit_code, len(seen.json)) == (0, 150), seen
    (one,) = (each for each in seen.json if each["id"] == id_)
    assert (one["kubernetes"]["namespace"], one["kubernetes"]["name"]) == ("shop", "web-0")
    assert [each["name"] for each in one["kubernetes"]["containers"]] == ["nginx"]
    assert "sandbox-address" not in [each["kind"] for each in one["mismatches"]]


def test_a_runtime_that_is_missing_is_a_note(built: Built) -> None:
    endpoint = "npipe:////./pipe/nobody" if built.windows else "unix:///nowhere/cri.sock"
    seen = built.run(built.exe, "pod", "list", "--cri", endpoint)
    assert (seen.exit_code, seen.out.strip()) == (0, "no pods"), seen
    (note,) = (line for line in seen.err.splitlines() if endpoint in line)
    assert note.startswith("note: the runtime at ")


def test_a_runtime_that_hangs_is_given_up(built: Built, runtime: FakeRuntime) -> None:
    runtime.hold("ListPodSandbox")
    seen = built.run(built.exe, "pod", "list", "--cri", runtime.endpoint, "--timeout", "5")
    assert (seen.exit_code, seen.out.strip()) == (0, "no pods"), seen
    assert f"note: the runtime at {runtime.endpoint} has not answered within 5 s" in seen.err


@pytest.mark.parametrize("built", ["windows"], indirect=True)
def test_a_pipe_at_which_nobody_speaks_is_given_up(built: Built, lane: Lane) -> None:
    with piped(lane) as endpoint:
        seen = built.run(built.exe, "pod", "list", "--cri", endpoint, "--timeout", "5")
    assert (seen.exit_code, seen.out.strip()) == (0, "no pods"), seen
    assert "has not answered within 5 s" in seen.err
