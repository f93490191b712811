"""The API's calls: what goes out, and what each answer means."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from cni_hns import __version__
from cni_hns.cluster.api import connections
from cni_hns.cluster.api.client import Api, Resource
from cni_hns.cluster.api.credentials import Access, Pem, Secret
from cni_hns.cluster.api.faults import (
    ApiFault,
    Away,
    Closed,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    Missing,
    Strange,
    Unauthorized,
    Untrusted,
)
from tests.unit.cluster.api.scripted import (
    Lines,
    Raw,
    Reply,
    ScriptedApi,
    Silence,
    failure,
    listing,
    node,
    served,
)

NODES = Resource("v1", "nodes")
EVENTS = Resource("v1", "events", "default")
BLOCKS = Resource("ipam.example.com/v1", "blocks")


class TestWhatGoesOut:
    def test_a_get_says_who_asks_and_for_what(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("win-1")))
        assert api.get(NODES, "win-1") == node("win-1")
        (seen,) = server.seen
        assert (seen.method, seen.path, seen.query) == ("GET", "/api/v1/nodes/win-1", {})
        assert seen.headers["authorization"] == "Bearer a-token"
        assert seen.headers["user-agent"] == f"cni-hns/{__version__}"

    def test_a_create_in_a_namespace_of_a_group(self, server: ScriptedApi, api: Api) -> None:
        leases = Resource("coordination.k8s.io/v1", "leases", "kube-system")
        server.answers(Reply(201, {"metadata": {"name": "x"}}))
        api.create(leases, {"metadata": {"name": "x"}}, dry_run=True)
        (seen,) = server.seen
        assert (seen.method, seen.path) == (
            "POST",
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
        )
        assert seen.query == {"fieldManager": "cni-hns", "dryRun": "All"}
        assert seen.document == {"metadata": {"name": "x"}}

    @pytest.mark.parametrize(
        ("kind", "content_type"),
        [
            ("merge", "application/merge-patch+json"),
            ("strategic", "application/strategic-merge-patch+json"),
            ("json", "application/json-patch+json"),
            ("apply", "application/apply-patch+yaml"),
        ],
    )
    def test_a_patch_says_of_which_kind_it_is(
        self, server: ScriptedApi, api: Api, kind: str, content_type: str
    ) -> None:
        server.answers(Reply(document=node("win-1")))
        api.patch(NODES, "win-1", {"status": {}}, kind=kind, subresource="status", force=True)  # type: ignore[arg-type] # the table's text
        (seen,) = server.seen
        assert (seen.method, seen.path) == ("PATCH", "/api/v1/nodes/win-1/status")
        assert seen.headers["content-type"] == content_type
        assert seen.query == {"fieldManager": "cni-hns", **({"force": "true"} if kind == "apply" else {})}

    def test_a_delete_takes_only_the_object_that_is_meant(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document={"kind": "Status"}))
        api.delete(BLOCKS, "10-0-0-0", uid="u", resource_version="7")
        (seen,) = server.seen
        assert (seen.method, seen.path) == ("DELETE", "/apis/ipam.example.com/v1/blocks/10-0-0-0")
        assert seen.document["preconditions"] == {"uid": "u", "resourceVersion": "7"}

    def test_a_name_cannot_lead_elsewhere(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("x")))
        api.get(NODES, "../secrets?watch=1")
        assert server.seen[0].path == "/api/v1/nodes/..%2Fsecrets%3Fwatch%3D1"

    def test_what_a_proxy_has_before_the_api_stays_there(self, server: ScriptedApi, access: Access) -> None:
        server.answers(Reply(document=node("x")))
        with Api(access._replace(server=f"{server.url}/k8s/clusters/c-1/")) as api:
            api.get(NODES, "x")
        assert server.seen[0].path == "/k8s/clusters/c-1/api/v1/nodes/x"


class TestLists:
    def test_pages_are_joined(self, server: ScriptedApi, api: Api) -> None:
        server.answers(listing(node("a"), follows="c1"), listing(node("b"), version="11"))
        found = api.list(NODES, label_selector="os=windows", limit=1)
        assert ([one["metadata"]["name"] for one in found.items], found.resource_version) == (
            ["a", "b"],
            "11",
        )
        assert server.seen[0].query == {"limit": "1", "labelSelector": "os=windows"}
        assert server.seen[1].query == {"limit": "1", "labelSelector": "os=windows", "continue": "c1"}

    def test_a_walk_whose_pages_expired_is_done_again_without_pages(
        self, server: ScriptedApi, api: Api
    ) -> None:
        server.answers(
            listing(node("a"), follows="c1"), failure(410, "Expired"), listing(node("a"), node("b"))
        )
        assert len(api.list(NODES).items) == 2
        assert server.seen[2].query == {}

    def test_a_page_that_fails_leaves_no_half_of_a_list(self, server: ScriptedApi, api: Api) -> None:
        server.answers(listing(node("a"), follows="c1"), failure(500, "InternalError"))
        with pytest.raises(Away):
            api.list(NODES)

    def test_an_empty_list_may_be_null(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document={"metadata": {"resourceVersion": "3"}, "items": None}))
        assert api.list(NODES) == ([], "3")

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param({}, id="nothing in it"),
            pytest.param({"metadata": {}, "items": []}, id="no version"),
            pytest.param({"metadata": {"resourceVersion": "1"}, "items": {}}, id="items are no list"),
            pytest.param([], id="no object"),
        ],
    )
    def test_what_is_no_list_is_not_taken_for_an_empty_one(
        self, server: ScriptedApi, api: Api, document: object
    ) -> None:
        server.answers(Reply(document=document))
        with pytest.raises(Strange):
            api.list(NODES)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "reason", "kind"),
        [
            (400, "BadRequest", Invalid),
            (401, "Unauthorized", Unauthorized),
            (403, "Forbidden", Forbidden),
            (404, "NotFound", Missing),
            (408, "Timeout", Away),
            (409, "AlreadyExists", Conflict),
            (410, "Expired", Expired),
            (422, "Invalid", Invalid),
            (429, "TooManyRequests", Away),
            (500, "InternalError", Away),
            (503, "ServiceUnavailable", Away),
        ],
    )
    def test_each_status_is_a_fault_of_its_own(
        self, server: ScriptedApi, api: Api, code: int, reason: str, kind: type[ApiFault]
    ) -> None:
        server.answers(failure(code, reason, "the server's\nown words"))
        with pytest.raises(kind) as caught:
            api.create(EVENTS, {})
        assert (type(caught.value), caught.value.status, caught.value.reason) == (kind, code, reason)
        assert "the server's own words" in str(caught.value)
        assert "create events" in str(caught.value)

    def test_forbidden_says_which_rule_is_missing(self, server: ScriptedApi, api: Api) -> None:
        server.answers(failure(403, "Forbidden", 'User "agent" cannot patch resource "nodes/status"'))
        with pytest.raises(Forbidden) as caught:
            api.patch(NODES, "win-1", {}, subresource="status")
        assert caught.value.what == "patch nodes/status"
        assert 'ClusterRole: apiGroups [""], resources ["nodes/status"], verbs ["patch"]' in str(caught.value)
        with pytest.raises(Forbidden) as caught:
            api.create(EVENTS, {})
        assert 'Role in namespace "default": apiGroups [""], resources ["events"]' in str(caught.value)

    @pytest.mark.parametrize(
        ("given", "seconds"),
        [("7", 7.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("soon", None), ("", None)],
    )
    def test_later_may_say_when(
        self, server: ScriptedApi, api: Api, given: str, seconds: float | None
    ) -> None:
        server.answers(failure(429, "TooManyRequests", Retry_After=given))
        with pytest.raises(Away) as caught:
            api.get(NODES, "x")
        assert caught.value.retry_after_s == seconds

    def test_a_404_of_somebody_else_is_not_taken_for_a_missing_object(
        self, server: ScriptedApi, api: Api
    ) -> None:
        server.answers(Reply(404, body=b"<html>default backend - 404</html>"))
        with pytest.raises(Strange):
            api.get(NODES, "win-1")

    @pytest.mark.parametrize(
        ("code", "kind"), [(401, Unauthorized), (403, Strange), (409, Strange), (429, Away), (502, Away)]
    )
    def test_what_somebody_else_may_say_for_the_api_server(
        self, server: ScriptedApi, api: Api, code: int, kind: type[ApiFault]
    ) -> None:
        server.answers(Reply(code, body=b"<html>"))
        with pytest.raises(kind):
            api.get(NODES, "x")

    def test_a_resource_that_was_never_defined_is_missing(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(404, body=b"404 page not found\n"))
        with pytest.raises(Missing, match="apply its CustomResourceDefinition"):
            api.list(BLOCKS)
        with pytest.raises(Strange):
            api.list(NODES)

    def test_a_redirect_is_not_followed(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(302, body=b"", headers=(("Location", f"{server.url}/elsewhere"),)))
        with pytest.raises(Strange, match="redirect"):
            api.get(NODES, "x")
        assert len(server.seen) == 1

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"<html>", id="a page"),
            pytest.param(b"[" * 200_000, id="deep"),
            pytest.param(b"\xff\xfe", id="no text"),
        ],
    )
    def test_what_is_no_json_is_strange(self, server: ScriptedApi, api: Api, body: bytes) -> None:
        server.answers(Reply(200, body=body))
        with pytest.raises(Strange):
            api.get(NODES, "x")

    def test_an_answer_without_end_is_given_up(
        self, server: ScriptedApi, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "_LARGEST", 1000)
        server.answers(Reply(200, body=b" " * 1001), Reply(200, document={"a": "b" * 900}))
        with pytest.raises(Strange, match="more than"):
            api.get(NODES, "x")
        assert api.get(NODES, "x")["a"]
        lines = Lines()
        lines.put_raw(b" " * 1001)
        server.answers(lines)
        with pytest.raises(Strange, match="more than"):
            api.get(NODES, "x")


class TestTokens:
    def test_a_token_that_was_renewed_is_read_again_after_a_401(
        self, server: ScriptedApi, access: Access, tmp_path: Path
    ) -> None:
        token = tmp_path / "token"
        token.write_text("old\n")

        def script(seen: object) -> Reply:
            is_old = "old" in str(seen)
            token.write_text("new\n")
            return failure(401, "Unauthorized") if is_old else Reply(document=node("x"))

        server.script = script
        with Api(access._replace(token_file=str(token))) as api:
            assert api.get(NODES, "x") == node("x")
            assert api.create(EVENTS, {}) == node("x")
        sent = [one.headers["authorization"] for one in server.seen]
        assert sent == ["Bearer old", "Bearer new", "Bearer new"]

    def test_a_token_that_is_still_the_same_is_not_tried_again(
        self, server: ScriptedApi, access: Access, tmp_path: Path
    ) -> None:
        token = tmp_path / "token"
        token.write_text("old")
        server.answers(failure(401, "Unauthorized"))
        asking = Api(access._replace(token_file=str(token), source='"here"'))
        wanted = 'of "here" is of this cluster and has not expired'
        with asking as api, pytest.raises(Unauthorized, match=wanted):
            api.get(NODES, "x")
        assert len(server.seen) == 1

    def test_no_text_shows_a_token(self, server: ScriptedApi, access: Access, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("very secret")
        assert "a-token" not in repr(access)
        with (
            Api(access._replace(token=Secret(), token_file=str(token))) as api,
            pytest.raises(Unauthorized) as caught,
        ):
            api.get(NODES, "x")
        assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert server.seen == []


class TestTheServersCertificate:
    def test_of_another_authority_it_is_not_believed(
        self, server: ScriptedApi, access: Access, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.crt"
        trustme.CA().cert_pem.write_to_path(str(other))
        with (
            Api(access._replace(ca=Pem(file=str(other)))) as api,
            pytest.raises(Untrusted, match="not of the certificate authority"),
        ):
            api.get(NODES, "x")
        assert server.seen == []

    def test_for_another_name_it_is_not_believed_unless_that_is_expected(
        self, authority: trustme.CA, access: Access
    ) -> None:
        with served(authority, ("api.example.com",)) as server:
            server.answers(Reply(document=node("x")))
            with (
                Api(access._replace(server=server.url)) as api,
                pytest.raises(Untrusted, match="another address"),
            ):
                api.get(NODES, "x")
            named = access._replace(server=server.url, tls_server_name="api.example.com")
            with Api(named) as api:
                assert api.get(NODES, "x") == node("x")

    def test_an_authority_that_was_replaced_in_its_file_is_believed(
        self, server: ScriptedApi, access: Access, authority: trustme.CA, tmp_path: Path
    ) -> None:
        file = Path(access.ca.file)
        trustme.CA().cert_pem.write_to_path(str(file))
        server.answers(Reply(document=node("x")))
        with Api(access) as api:
            with pytest.raises(Untrusted):
                api.get(NODES, "x")
            other = tmp_path / "new.crt"
            authority.cert_pem.write_to_path(str(other))
            other.replace(file)
            assert api.get(NODES, "x") == node("x")

    def test_a_server_that_speaks_no_tls_is_away(self, access: Access) -> None:
        with served() as plain:
            there = access._replace(server=plain.url.replace("http:", "https:"))
            with Api(there) as api, pytest.raises(Away, match="TLS broke off"):
                api.get(NODES, "x")

    def test_a_client_certificate_in_the_document_is_shown(
        self, server: ScriptedApi, access: Access, authority: trustme.CA
    ) -> None:
        server.answers(Reply(document=node("x")))
        own = authority.issue_cert("agent@example.com")
        chain = "".join(one.bytes().decode() for one in own.cert_chain_pems)
        key = own.private_key_pem.bytes().decode()
        shown = access._replace(
            token=Secret(), certificate=Pem(text=Secret(chain)), key=Pem(text=Secret(key))
        )
        with Api(shown) as api:
            api.get(NODES, "x")
        assert "authorization" not in server.seen[0].headers


class TestConnections:
    def test_one_is_kept_from_request_to_request(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("x")))
        for _ in range(3):
            api.get(NODES, "x")
        assert server.connections == 1

    def test_one_that_the_server_has_closed_is_made_anew(self, server: ScriptedApi, api: Api) -> None:
        """Also for what must not be done twice: the good-bye is seen before anything is sent."""
        server.answers(Reply(document=node("x"), hangs_up=True))
        for _ in range(3):
            api.create(EVENTS, {})
        assert (server.connections, len(server.seen)) == (3, 3)

    def test_what_may_have_been_done_is_not_done_again(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("x")))
        api.get(NODES, "x")
        server.answers(Raw(b""))
        with pytest.raises(Away, match="closed the connection"):
            api.create(EVENTS, {})
        assert [one.method for one in server.seen] == ["GET", "POST"]

    def test_a_get_on_a_kept_connection_is_tried_once_more(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("x")), Raw(b""), Reply(document=node("x")))
        api.get(NODES, "x")
        assert api.get(NODES, "x") == node("x")
        assert len(server.seen) == 3

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", id="a short body"),
            pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", id="a short chunk"),
            pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
            pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
            pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", id="too many headers"),
            pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000, id="too long a header"),
        ],
    )
    def test_what_is_cut_off_or_no_http_is_away(self, server: ScriptedApi, api: Api, raw: bytes) -> None:
        server.answers(Raw(raw))
        with pytest.raises(Away):
            api.get(NODES, "x")

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Silence(), id="nothing"),
            pytest.param(
                Raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000, each_s=0.02), id="a byte now and then"
            ),
        ],
    )
    def test_no_answer_takes_longer_than_the_time_limit(
        self, server: ScriptedApi, access: Access, answer: Silence | Raw
    ) -> None:
        server.answers(answer)
        with Api(access, timeout_s=0.2) as api, pytest.raises(Away, match=r"nothing within 0\.2 s"):
            api.get(NODES, "x")

    def test_nobody_there_is_away(self, access: Access) -> None:
        with served() as gone:
            pass
        with (
            Api(access._replace(server=gone.url)) as api,
            pytest.raises(Away, match="refuses the connection"),
        ):
            api.get(NODES, "x")

    def test_a_name_that_nobody_knows_is_away(self, access: Access) -> None:
        with Api(access._replace(server="https://api.invalid:6443")) as api, pytest.raises(Away):
            api.get(NODES, "x")

    def test_close_ends_what_waits_in_another_thread(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Silence())
        caught = in_a_thread(lambda: api.get(NODES, "x"))
        server.wait_for(lambda seen: len(seen) == 1)
        api.close()
        assert isinstance(caught(), Closed)
        with pytest.raises(Closed):
            api.get(NODES, "x")

    def test_a_twin_outlives_the_other(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Reply(document=node("x")))
        with api.twin() as twin:
            twin.get(NODES, "x")
        assert api.get(NODES, "x") == node("x")
        assert api.tally.counts() == {("get", 200): 2}


class TestWatch:
    def test_each_change_comes_as_it_happens(self, server: ScriptedApi, api: Api) -> None:
        lines = Lines(("ADDED", node("a", "11")))
        server.answers(lines)
        events = api.watch(NODES, "10", timeout_s=60)
        assert next(events) == ("ADDED", node("a", "11"))
        lines.put("BOOKMARK", {"metadata": {"resourceVersion": "15"}})
        assert next(events).resource_version == "15"
        lines.end()
        assert list(events) == []
        assert server.seen[0].query == {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": "10",
            "timeoutSeconds": "60",
        }

    def test_lines_may_come_in_pieces(self, server: ScriptedApi, api: Api) -> None:
        lines = Lines()
        for piece in (
            b'{"type": "ADDED", "obj',
            b'ect": {"metadata"',
            b": {}}}\n\n",
            b'{"type": "DELETED", ',
        ):
            lines.put_raw(piece)
        lines.put_raw(b'"object": {"metadata": {}}}\n')
        lines.end()
        server.answers(lines)
        assert [one.kind for one in api.watch(NODES, "10", timeout_s=60)] == ["ADDED", "DELETED"]

    def test_a_half_line_at_the_end_is_no_event(self, server: ScriptedApi, api: Api) -> None:
        lines = Lines()
        lines.put_raw(b'{"type": "DELETED", "object": {"metadata": {}}}')
        lines.end()
        server.answers(lines)
        with pytest.raises(Away, match="cut off"):
            list(api.watch(NODES, "10", timeout_s=60))

    def test_one_that_is_cut_off_says_so(self, server: ScriptedApi, api: Api) -> None:
        lines = Lines(("ADDED", node("a")))
        lines.cut()
        server.answers(lines)
        events = api.watch(NODES, "10", timeout_s=60)
        assert next(events).kind == "ADDED"
        with pytest.raises(Away, match="cut off"):
            next(events)

    @pytest.mark.parametrize(("code", "kind"), [(410, Expired), (500, Away), (403, Forbidden)])
    def test_an_error_in_the_stream_is_the_fault_that_it_says(
        self, server: ScriptedApi, api: Api, code: int, kind: type[ApiFault]
    ) -> None:
        lines = Lines()
        lines.put("ERROR", {"kind": "Status", "code": code, "message": "too old resource version"})
        server.answers(lines)
        with pytest.raises(kind, match="too old resource version"):
            list(api.watch(NODES, "10", timeout_s=60))

    def test_a_refusal_before_the_stream(self, server: ScriptedApi, api: Api) -> None:
        server.answers(failure(410, "Expired"))
        with pytest.raises(Expired):
            list(api.watch(NODES, "10", timeout_s=60))

    def test_a_renewed_token_is_taken(self, server: ScriptedApi, access: Access, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("old")
        lines = Lines(("ADDED", node("a")))

        def script(seen: object) -> Reply | Lines:
            token.write_text("new")
            return failure(401, "Unauthorized") if "Bearer old" in str(seen) else lines

        server.script = script
        with Api(access._replace(token_file=str(token))) as api:
            assert next(api.watch(NODES, "10", timeout_s=60)).kind == "ADDED"

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(b"<html>\n", id="no JSON"),
            pytest.param(b'{"type": "ADDED"}\n', id="no object"),
            pytest.param(b'{"type": "PAINTED", "object": {"metadata": {}}}\n', id="unknown kind"),
            pytest.param(b'{"type": "ADDED", "object": {}}\n', id="no metadata"),
        ],
    )
    def test_what_is_no_event_is_strange(self, server: ScriptedApi, api: Api, line: bytes) -> None:
        lines = Lines()
        lines.put_raw(line)
        server.answers(lines)
        with pytest.raises(Strange):
            list(api.watch(NODES, "10", timeout_s=60))

    def test_a_server_that_goes_silent_is_given_up_a_little_after_its_time(
        self, server: ScriptedApi, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cni_hns.cluster.api.client._LATE_S", 0.1)
        server.answers(Lines(("ADDED", node("a"))))
        events = api.watch(NODES, "10", timeout_s=0.1)
        assert next(events).kind == "ADDED"
        with pytest.raises(Away, match="nothing within"):
            next(events)

    def test_close_ends_it_from_another_thread(self, server: ScriptedApi, api: Api) -> None:
        server.answers(Lines(("ADDED", node("a"))))
        begun = threading.Event()

        def watch() -> None:
            for _ in api.watch(NODES, "10", timeout_s=600):
                begun.set()

        caught = in_a_thread(watch)
        assert begun.wait(30)
        api.close()
        assert isinstance(caught(), Closed)


def in_a_thread(work: Callable[[], object]) -> Callable[[], BaseException | None]:
    """Begin it; what this gives waits for its end, and has what it raised."""
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except ApiFault as fault:
            caught.append(fault)

    thread = threading.Thread(target=run)
    thread.start()

    def end() -> BaseException | None:
        thread.join(30)
        assert not thread.is_alive()
        return caught[0] if caught else None

    return end
