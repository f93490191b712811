"""The built programs and the compute systems of the node, through computecore.dll."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.frozen.conftest import Built, Done, ended
from tests.harness import l2bridge

POD = "5a" * 32
DOCUMENT = {
    "Owner": "my-tool",
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Container": {"Memory": {"SizeInMB": 256}},
}


@pytest.fixture
def namespace(built: Built) -> str:
    """That of a pod which a runtime has attached, and whose sandbox it has started."""
    namespace = built.node.namespace()
    added = built.verb(built.exe, "ADD", l2bridge(), POD, namespace)
    assert added.exit_code == 0, added
    built.node.simulator.start_container(namespace, POD)
    return namespace


def done(built: Built, *words: str) -> Done:
    found = built.run(built.exe, *words)
    assert (found.exit_code, found.err) == (0, "")
    return found


def told(built: Built, *words: str) -> Any:
    return done(built, *words, "--json").json


def test_a_pod_s_container_is_listed_with_its_network(built: Built, namespace: str) -> None:
    (found,) = told(built, "container", "list")
    assert (found["id"], found["state"], found["isolation"]) == (POD, "Running", "process")
    assert (found["namespace"], len(found["addresses"])) == (namespace, 1)
    (pod,) = told(built, "pod", "list")
    assert POD in json.dumps(pod)
    assert found["addresses"][0] in json.dumps(pod)


@pytest.mark.usefixtures("namespace")
def test_what_it_does_and_uses_is_shown(built: Built) -> None:
    assert "smss.exe" in [one["image"] for one in told(built, "container", "ps", POD)]
    assert told(built, "container", "show", POD)["memoryCommitBytes"] > 0


@pytest.mark.usefixtures("namespace")
def test_what_it_may_use_is_changed_where_the_build_of_windows_can(built: Built) -> None:
    """Wine is a Windows of an older build."""
    changed = built.run(built.exe, "container", "set", POD, "--memory", "512")
    assert (changed.exit_code, "19042" in changed.err) == ((1, True) if built.windows else (0, False))
    (system,) = built.node.simulator.dump()["systems"]
    assert system["resources"] == ({} if built.windows else {"Memory": {"SizeInMB": 512}})


@pytest.mark.usefixtures("namespace")
def test_what_is_refused_says_why(built: Built) -> None:
    paused = built.run(built.exe, "container", "pause", POD)
    assert (paused.exit_code, "process-isolated" in paused.err) == (1, True)
    missing = built.run(built.exe, "container", "show", "nobody")
    assert (missing.exit_code, "nobody" in missing.err) == (1, True)


@pytest.mark.usefixtures("namespace")
class TestACommandInAContainer:
    """It has our input and output, and we its end."""

    def test_what_it_writes_is_ours(self, built: Built) -> None:
        assert done(built, "container", "exec", POD, "--", "cmd", "/c", "echo hello").out == "hello\r\n"
        assert built.node.simulator.leaks() == []

    def test_it_reads_our_input_to_its_end(self, built: Built) -> None:
        text = b"some lines\r\n" * 20_000
        found = ended(built.start(built.exe, "container", "exec", POD, "--", "more"), text)
        assert (found.exit_code, found.err) == (0, "")
        assert found.out.encode() == text
        assert built.node.simulator.leaks() == []

    def test_its_errors_and_exit_code_are_ours(self, built: Built) -> None:
        wrong = built.run(built.exe, "container", "exec", POD, "--", "cmd", "/c", "echo no 1>&2")
        assert (wrong.exit_code, wrong.out, wrong.err) == (0, "", "no\r\n")
        assert built.run(built.exe, "container", "exec", POD, "--", "cmd", "/c", "exit 3").exit_code == 3
        assert built.node.simulator.leaks() == []


def test_one_is_made_started_and_stopped(built: Built, tmp_path: Path) -> None:
    """Its end is heard by a callback, from a thread of the DLL."""
    document = tmp_path / "box.json"
    document.write_text(json.dumps(DOCUMENT))
    done(built, "container", "create", "box", "--config", built.path(document))
    assert told(built, "container", "start", "box")["outcome"] == "started"
    assert told(built, "container", "stop", "box")["outcome"] == "shut down"
    assert told(built, "container", "list") == []
    assert built.node.simulator.leaks() == []
