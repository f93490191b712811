"""A collection that is kept up to date, through whatever happens to the API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cni_hns.cluster.api.client import Api, Resource
from cni_hns.cluster.api.faults import Away, Forbidden, Strange
from cni_hns.cluster.api.mirror import Mirror, Pauses, without_bookkeeping
from tests.unit.cluster.api.scripted import (
    PATIENCE_S,
    Answer,
    Lines,
    Reply,
    ScriptedApi,
    Seen,
    Silence,
    failure,
    listing,
    node,
)

NODES = Resource("v1", "nodes")
AT_ONCE = Pauses(0.0, 0.0)


class Collection:
    """What the server answers: lists and watches have a script of their own."""

    def __init__(self, server: ScriptedApi) -> None:
        self.lists: list[Answer] = []
        self.watches: list[Answer] = []
        server.script = self.answer

    def answer(self, seen: Seen) -> Answer:
        script = self.watches if "watch" in seen.query else self.lists
        return script.pop(0) if len(script) > 1 else script[0]


class Changes:
    """Counts the calls of `changed`, and waits for what they lead to."""

    def __init__(self) -> None:
        self.count = 0
        self._came = threading.Condition()

    def __call__(self) -> None:
        with self._came:
            self.count += 1
            self._came.notify_all()

    def until(self, is_so: Callable[[], bool]) -> None:
        with self._came:
            assert self._came.wait_for(is_so, PATIENCE_S)


@pytest.fixture
def collection(server: ScriptedApi) -> Collection:
    return Collection(server)


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def mirror(api: Api, changes: Changes) -> Iterator[Mirror]:
    made = Mirror(api, NODES, changes, pauses=AT_ONCE)
    yield made
    made.stop()


def test_it_lists_once_and_follows_from_there(
    server: ScriptedApi, collection: Collection, mirror: Mirror, changes: Changes
) -> None:
    lines = Lines()
    collection.lists = [listing(node("a"), node("b"))]
    collection.watches = [lines]
    assert (mirror.whole, mirror.objects()) == (False, {})
    mirror.start()
    changes.until(lambda: mirror.whole)
    assert set(mirror.objects()) == {"a", "b"}
    before = mirror.objects()
    lines.put("DELETED", node("a"))
    lines.put("ADDED", node("c", "12"))
    changes.until(lambda: set(mirror.objects()) == {"b", "c"})
    lines.put("MODIFIED", node("c", "13", spec={"podCIDR": "10.0.0.0/24"}))
    changes.until(lambda: "spec" in mirror.objects()["c"])
    assert set(before) == {"a", "b"}
    assert (mirror.fault, mirror.lists) == (None, 1)
    server.wait_for(lambda seen: [one.query.get("resourceVersion") for one in seen] == [None, "10"])


def test_a_watch_that_runs_its_time_goes_on_where_the_last_bookmark_was(
    server: ScriptedApi,
    collection: Collection,
    mirror: Mirror,
    changes: Changes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cni_hns.cluster.api.mirror._WATCH_S", (1.0, 1.0))
    first = Lines(("BOOKMARK", {"metadata": {"resourceVersion": "77"}}))
    first.end()
    collection.lists, collection.watches = [listing(node("a"))], [first, Lines()]
    mirror.start()
    server.wait_for(lambda seen: len(seen) == 3)
    assert [one.query.get("resourceVersion") for one in server.seen] == [None, "10", "77"]
    assert changes.count == 1


def test_a_watch_that_ends_before_its_time_may_have_a_gap_and_it_lists_anew(
    collection: Collection, mirror: Mirror, changes: Changes
) -> None:
    """The server goes down, and may come back with an older store: without b, and no event says so."""
    short = Lines()
    collection.lists = [listing(node("a"), node("b")), listing(node("a"))]
    collection.watches = [short, Lines()]
    mirror.start()
    changes.until(lambda: len(mirror.objects()) == 2)
    short.end()
    changes.until(lambda: set(mirror.objects()) == {"a"})
    changes.until(lambda: mirror.fault is None)


@pytest.mark.parametrize("in_the_stream", [True, False])
def test_after_expired_it_lists_anew_at_once(
    collection: Collection, mirror: Mirror, changes: Changes, in_the_stream: bool
) -> None:
    expired = failure(410, "Expired")
    error = Lines(("ERROR", {"code": 410, "reason": "Expired"}))
    collection.lists = [listing(node("a")), listing(node("b"))]
    collection.watches = [error if in_the_stream else expired, Lines()]
    mirror.start()
    changes.until(lambda: set(mirror.objects()) == {"b"})
    assert (mirror.fault, mirror.lists) == (None, 2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failure(503, "ServiceUnavailable"), id="away"),
        pytest.param(failure(403, "Forbidden"), id="forbidden"),
        pytest.param(failure(401, "Unauthorized"), id="unauthorized"),
        pytest.param(Reply(404, body=b"nobody"), id="somebody else"),
        pytest.param(Reply(200, document={}), id="no list"),
        pytest.param(listing(follows="c"), id="a first page without the rest"),
        pytest.param(listing({"spec": {}}), id="an object without a name"),
    ],
)
def test_what_was_known_stays_while_the_api_does_not_answer_well(
    server: ScriptedApi, collection: Collection, mirror: Mirror, changes: Changes, answer: Reply
) -> None:
    cut = Lines()
    collection.lists = [listing(node("a"), node("b"))]
    collection.watches = [cut, Lines()]
    mirror.start()
    changes.until(lambda: mirror.whole)
    pages = [answer, failure(500, "InternalError")] if answer == listing(follows="c") else [answer]
    collection.lists = [*pages, *pages, failure(500, "InternalError")]
    cut.cut()
    # Who asks once more has made of these answers whatever it does.
    server.wait_for(
        lambda seen: len([one for one in seen if not one.query.get("watch")]) > 1 + 2 * len(pages)
    )
    assert (mirror.whole, mirror.lists) == (True, 1)
    assert mirror.fault is not None
    assert set(mirror.objects()) == {"a", "b"}
    collection.lists = [listing(node("b"))]
    changes.until(lambda: set(mirror.objects()) == {"b"} and mirror.fault is None)


def test_before_the_first_list_nothing_is_whole_and_the_fault_says_why(
    collection: Collection, mirror: Mirror, changes: Changes
) -> None:
    collection.lists, collection.watches = [failure(403, "Forbidden")], [Lines()]
    mirror.start()
    changes.until(lambda: isinstance(mirror.fault, Forbidden))
    assert not mirror.whole
    collection.lists = [listing()]
    changes.until(lambda: mirror.whole)
    assert mirror.fault is None


def test_only_what_is_kept_is_a_change(server: ScriptedApi, collection: Collection, api: Api) -> None:
    changes = Changes()

    def keep(document: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": {"name": document["metadata"]["name"]}, "spec": document.get("spec")}

    lines = Lines()
    collection.lists, collection.watches = [listing(node("a"))], [lines]
    mirror = Mirror(api, NODES, changes, keep=keep, pauses=AT_ONCE)
    mirror.start()
    changes.until(lambda: mirror.whole)
    lines.put("MODIFIED", node("a", "12", status={"heartbeat": 1}))
    lines.put("MODIFIED", node("a", "13", spec={"podCIDR": "10.0.0.0/24"}))
    changes.until(lambda: mirror.objects()["a"]["spec"] is not None)
    mirror.stop()
    assert changes.count == 2


def test_what_cannot_be_kept_is_told_and_tried_again(
    collection: Collection, api: Api, changes: Changes
) -> None:
    def keep(document: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": document["metadata"], "cidr": document["spec"]["podCIDR"]}

    collection.lists, collection.watches = [listing(node("a"))], [Lines()]
    mirror = Mirror(api, NODES, changes, keep=keep, pauses=AT_ONCE)
    mirror.start()
    changes.until(lambda: isinstance(mirror.fault, Strange))
    collection.lists = [listing(node("a", spec={"podCIDR": "10.0.0.0/24"}))]
    changes.until(lambda: mirror.whole)
    mirror.stop()


def test_bookkeeping_is_not_kept() -> None:
    document = {"metadata": {"name": "a", "managedFields": [1]}, "spec": {}}
    assert without_bookkeeping(document) == {"metadata": {"name": "a"}, "spec": {}}
    assert "managedFields" in document["metadata"]


def test_objects_in_namespaces_have_both_names(
    collection: Collection, mirror: Mirror, changes: Changes
) -> None:
    collection.lists = [listing({"metadata": {"name": "a", "namespace": "n"}})]
    collection.watches = [Lines()]
    mirror.start()
    changes.until(lambda: mirror.whole)
    assert set(mirror.objects()) == {"n/a"}


@pytest.mark.parametrize("waits_in", ["list", "watch", "pause"])
def test_stop_waits_for_no_timeout(server: ScriptedApi, access: Any, waits_in: str) -> None:
    """The test's own time limit would end before any of theirs."""
    collection = Collection(server)
    collection.lists = [Silence() if waits_in == "list" else listing(node("a"))]
    collection.watches = [failure(403, "Forbidden") if waits_in == "pause" else Silence()]
    changes = Changes()
    with Api(access, timeout_s=3600.0) as api:
        mirror = Mirror(api, NODES, changes, pauses=Pauses(3600.0, 3600.0))
        mirror.start()
        server.wait_for(lambda seen: len(seen) == (1 if waits_in == "list" else 2))
        if waits_in == "pause":
            changes.until(lambda: mirror.fault is not None)
        mirror.stop()
        assert api.tally.counts() is not None
    assert not [one for one in threading.enumerate() if one.name.startswith("mirror")]


def test_changed_may_stop_it(collection: Collection, api: Api) -> None:
    collection.lists, collection.watches = [listing(node("a"))], [Silence()]
    mirrors: list[Mirror] = []
    done = threading.Event()

    def changed() -> None:
        mirrors[0].stop()
        done.set()

    mirrors.append(Mirror(api, NODES, changed, pauses=AT_ONCE))
    mirrors[0].start()
    assert done.wait(PATIENCE_S)
    mirrors[0].stop()
    assert set(mirrors[0].objects()) == {"a"}


def test_pauses_grow_and_end_somewhere() -> None:
    pauses = Pauses(1.0, 30.0)
    for failures, whole_s in [(1, 1.0), (2, 2.0), (3, 4.0), (6, 30.0), (5000, 30.0)]:
        assert all(whole_s / 2 <= pauses.after(failures) <= whole_s for _ in range(20))


def test_the_servers_wish_to_be_left_alone_is_kept(api: Api, changes: Changes) -> None:
    mirror = Mirror(api, NODES, changes, pauses=Pauses(1.0, 30.0))
    waited: list[float] = []
    mirror._stopping.wait = waited.append  # type: ignore[method-assign,assignment] # nobody waits here
    mirror._failed(Away("busy", 429, retry_after_s=9.0))
    mirror._failed(Away("busy", 429, retry_after_s=900.0))
    assert waited == [9.0, 30.0]
    mirror.stop()
