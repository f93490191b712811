"""Events on the Node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.cluster.api.client import Api
from cni_hns.cluster.api.events import Events
from cni_hns.log import Log
from tests.unit.cluster.api.scripted import PATIENCE_S, Reply, ScriptedApi, Silence, failure
from tests.unit.cluster.api.test_bearer import Clock

OK = Reply(201, {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def events(api: Api, clock: Clock, log_file: Path) -> Iterator[Events]:
    log = Log(stderr=False)
    log.configure(str(log_file))
    made = Events(api, "cni-hns-agent", "win-1", log=log, clock_s=clock, rest_s=0.0)
    yield made
    made.close()


def test_an_event_is_on_the_node(server: ScriptedApi, events: Events) -> None:
    server.answers(OK)
    events.tell("PodCIDRChanged", "drain this node", warning=True)
    assert events.flush(PATIENCE_S)
    (seen,) = server.seen
    made = seen.document
    assert (seen.method, seen.path) == ("POST", "/api/v1/namespaces/default/events")
    assert made["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "win-1", "uid": "win-1"}
    assert (made["type"], made["reason"], made["message"]) == ("Warning", "PodCIDRChanged", "drain this node")
    assert (made["count"], made["source"]) == (1, {"component": "cni-hns-agent", "host": "win-1"})
    assert made["metadata"]["name"].startswith("win-1.")


def test_the_same_again_is_counted_and_sent_after_five_minutes(
    server: ScriptedApi, events: Events, clock: Clock
) -> None:
    server.answers(OK)
    for _ in range(3):
        events.tell("NoRoutes", "m", warning=True)
        assert events.flush(PATIENCE_S)
    assert len(server.seen) == 1
    clock.now_s = 300.0
    events.tell("NoRoutes", "m", warning=True)
    assert events.flush(PATIENCE_S)
    first, again = server.seen
    assert (again.method, again.document["count"]) == ("PATCH", 4)
    assert again.path == f"/api/v1/namespaces/default/events/{first.document['metadata']['name']}"


def test_one_that_the_server_has_forgotten_is_made_anew(
    server: ScriptedApi, events: Events, clock: Clock
) -> None:
    server.answers(OK, failure(404, "NotFound"), OK)
    for clock.now_s in (0.0, 4000.0):
        events.tell("NoRoutes", "m", warning=False)
        assert events.flush(PATIENCE_S)
    assert [one.method for one in server.seen] == ["POST", "PATCH", "POST"]
    assert server.seen[2].document["type"] == "Normal"


def test_what_the_api_cannot_take_now_is_logged_and_sent_later(
    server: ScriptedApi, events: Events, log_file: Path
) -> None:
    server.answers(failure(503, "ServiceUnavailable"), OK)
    events.tell("NoRoutes", "m", warning=True)
    server.wait_for(lambda seen: len(seen) == 2)
    assert "the Event NoRoutes was not sent" in log_file.read_text()


@pytest.mark.parametrize("code", [403, 422])
def test_what_the_api_will_never_take_is_logged_and_dropped(
    server: ScriptedApi, events: Events, log_file: Path, code: int
) -> None:
    server.answers(failure(code, "No"), OK)
    events.tell("One", "m", warning=True)
    events.tell("Two", "m", warning=True)
    server.wait_for(lambda seen: len(seen) == 2)
    assert [one.document["reason"] for one in server.seen] == ["One", "Two"]
    assert "the Event One was not sent" in log_file.read_text()


def test_telling_never_waits_and_close_ends_what_does(server: ScriptedApi, events: Events) -> None:
    server.answers(Silence())
    events.tell("NoRoutes", "m", warning=True)
    server.wait_for(lambda seen: len(seen) == 1)
    for number in range(500):
        events.tell("NoRoutes", f"m {number}", warning=True)
    events.close()
    events.tell("NoRoutes", "after it", warning=True)
    assert len(server.seen) == 1


def test_texts_and_names_are_no_longer_than_the_server_takes(server: ScriptedApi, api: Api) -> None:
    server.answers(OK)
    events = Events(api, "c", "n" * 229 + ".x" + "n" * 20)
    events.tell("NoRoutes", "ä" * 1000, warning=True)
    assert events.flush(PATIENCE_S)
    events.close()
    made = server.seen[0].document
    assert (len(made["message"].encode()), made["message"][-2:]) == (1023, "ä…")
    assert len(made["metadata"]["name"]) <= 253
    assert ".." not in made["metadata"]["name"]
