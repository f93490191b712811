"""What is made of a runtime's answers, and of one that does not answer."""

from __future__ import annotations

import errno
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import grpc
import pytest

from cni_hns.cri.faults import CriFault
from cni_hns.cri.runtime import sandboxes_of
from cni_hns.cri.views import Container, Sandbox
from tests.unit.cri.fake_runtime import (
    NOT_READY,
    FakeRuntime,
    encoded,
    listed_container,
    listed_sandbox,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")


@pytest.fixture
def folder() -> Iterator[str]:
    """A socket's path must be short, which a test's folder is not."""
    with tempfile.TemporaryDirectory(prefix="cri-") as short:
        yield short


def asked(runtime: FakeRuntime, timeout_s: float = 30) -> list[Sandbox]:
    return sandboxes_of(runtime.endpoint, timeout_s)


def refusal(endpoint: str, timeout_s: float = 30) -> str:
    with pytest.raises(CriFault) as caught:
        sandboxes_of(endpoint, timeout_s)
    words = str(caught.value)
    assert endpoint in words
    assert "\n" not in words
    return words


class TestWhatItTells:
    def test_a_runtime_without_pods(self, runtime: FakeRuntime) -> None:
        assert asked(runtime) == []

    def test_a_pod_with_its_containers_and_addresses(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a", attempt=2)]
        nginx, log = listed_container("c1", "5a", attempt=300), listed_container("c2", "5a", "log", state=2)
        runtime.containers = [nginx, log]
        runtime.addresses = {"5a": ["10.88.0.2", "fd00::2"]}
        (found,) = asked(runtime)
        assert found == Sandbox(
            id="5a",
            name="web-0",
            namespace="shop",
            uid="uid-of-web-0",
            attempt=2,
            is_ready=True,
            addresses=("10.88.0.2", "fd00::2"),
            containers=(
                Container("c1", "5a", "nginx", 300, "Running"),
                Container("c2", "5a", "log", 0, "Exited"),
            ),
        )
        assert (found.full_name, found.state) == ("shop/web-0", "Ready")

    def test_a_pod_in_the_hosts_network_has_no_address(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a")]
        assert asked(runtime)[0].addresses == ()

    def test_a_pod_that_has_ended_is_not_asked_for_its_address(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a", state=NOT_READY)]
        runtime.addresses = {"5a": ["10.88.0.2"]}
        (found,) = asked(runtime)
        assert (found.state, found.addresses) == ("NotReady", ())
        assert "PodSandboxStatus" not in runtime.asked

    def test_each_container_is_of_its_own_pod(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a"), listed_sandbox("0b", "web-1")]
        runtime.containers = [listed_container("c1", "0b"), listed_container("c2", "gone")]
        assert [[each.id for each in one.containers] for one in asked(runtime)] == [[], ["c1"]]

    def test_a_sandbox_that_goes_between_two_questions_has_no_address(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a")]
        runtime.refuse("PodSandboxStatus", grpc.StatusCode.NOT_FOUND, "not found")
        assert asked(runtime)[0].addresses == ()

    def test_answers_of_many_frames_and_more_than_a_window_arrive_whole(self, runtime: FakeRuntime) -> None:
        """250 pods, each with annotations of 4 KiB: HTTP/2 lets 64 KiB come before it wants a word."""
        ids = [f"{n:064x}" for n in range(250)]
        runtime.sandboxes = [{**listed_sandbox(one), 6: [{1: "note", 2: "x" * 4096}]} for one in ids]
        runtime.addresses = {one: [f"10.88.0.{n}"] for n, one in enumerate(ids)}
        assert [one.addresses for one in asked(runtime)] == [(f"10.88.0.{n}",) for n in range(250)]

    def test_a_sandbox_without_an_id_is_passed_over(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes = [listed_sandbox("5a"), {**listed_sandbox("x"), 1: ""}]
        assert [one.id for one in asked(runtime)] == ["5a"]


class TestWhatIsSaidOfOne:
    def test_that_is_missing(self, folder: str) -> None:
        assert os.strerror(errno.ENOENT) in refusal(f"unix://{folder}/nobody.sock")

    def test_that_refuses_the_connection(self, folder: str) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as bound:
            bound.bind(f"{folder}/left.sock")
            assert os.strerror(errno.ECONNREFUSED) in refusal(f"unix://{folder}/left.sock")

    @pytest.mark.parametrize("method", ["Version", "ListContainers", "ListPodSandbox", "PodSandboxStatus"])
    def test_that_hangs_in_a_call(self, runtime: FakeRuntime, method: str) -> None:
        runtime.sandboxes = [listed_sandbox("5a")]
        runtime.hold(method)
        assert "has not answered within 0.2 s" in refusal(runtime.endpoint, 0.2)
        assert runtime.asked[-1:] in ([method], [])

    def test_that_never_says_a_word(self, folder: str) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(f"{folder}/mute.sock")
            listening.listen()
            assert "has not answered within 0.1 s" in refusal(f"unix://{folder}/mute.sock", 0.1)

    def test_that_says_a_word_now_and_then_and_never_answers(self, folder: str) -> None:
        """Each single wait ends well."""
        with murmuring(f"{folder}/murmur.sock") as endpoint:
            assert "has not answered within 0.5 s" in refusal(endpoint, 0.5)

    @pytest.mark.parametrize("method", ["Version", "ListContainers", "ListPodSandbox", "PodSandboxStatus"])
    def test_that_refuses_a_call(self, runtime: FakeRuntime, method: str) -> None:
        runtime.sandboxes = [listed_sandbox("5a")]
        runtime.refuse(method, grpc.StatusCode.PERMISSION_DENIED, "50 % of\nwords")
        words = refusal(runtime.endpoint)
        assert f"{method} was refused (gRPC status 7): 50 % of words" in words

    def test_that_speaks_an_older_version_only(self, runtime: FakeRuntime) -> None:
        runtime.service = "runtime.v1alpha2.RuntimeService"
        assert "does not speak runtime.v1, as containerd does from 1.6 on" in refusal(runtime.endpoint)

    @pytest.mark.parametrize(
        "answer",
        [b"\x0a\x05abc", b"\x0a\x02\xff\xff", b"\x0f", b"\xff" * 11],
        ids=["cut", "cut within", "a type that there is not", "a number without end"],
    )
    def test_whose_message_cannot_be_read(self, runtime: FakeRuntime, answer: bytes) -> None:
        runtime.raw["ListPodSandbox"] = answer
        assert "the runtime's answer" in refusal(runtime.endpoint)

    def test_whose_address_is_none(self, runtime: FakeRuntime) -> None:
        runtime.sandboxes, runtime.addresses = [listed_sandbox("5a")], {"5a": ["10.88.0.256"]}
        assert "a pod's address: '10.88.0.256'" in refusal(runtime.endpoint)

    def test_whose_answer_has_no_end(self, runtime: FakeRuntime) -> None:
        runtime.raw["ListPodSandbox"] = encoded({1: {1: "x" * (17 << 20)}})
        assert "more than 16 MiB" in refusal(runtime.endpoint)

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "closed the connection", id="HTTP/1.1"),
            pytest.param(bytes(9), "does not speak gRPC", id="no beginning of HTTP/2"),
            pytest.param(b"", "closed the connection", id="nothing"),
            pytest.param(bytes.fromhex("0000000400000000000000"), "closed the connection", id="a beginning"),
        ],
    )
    def test_that_is_something_else(self, folder: str, said: bytes, words: str) -> None:
        with saying(f"{folder}/other.sock", said) as endpoint:
            assert words in refusal(endpoint)

    def test_without_the_package_that_speaks_http_2(
        self, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(sys.modules, "cni_hns.cri.calls", raising=False)
        monkeypatch.setitem(sys.modules, "h2.config", None)
        assert "next: pip install h2" in refusal(runtime.endpoint)


@contextmanager
def saying(path: str, said: bytes) -> Iterator[str]:
    """Somebody who says this to the first who comes, and hangs up."""
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(path)
        listening.listen()

        def serve() -> None:
            with closing(listening.accept()[0]) as caller:
                caller.recv(1 << 16)
                caller.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        thread.join()


@contextmanager
def murmuring(path: str) -> Iterator[str]:
    """Somebody who sends WINDOW_UPDATEs of HTTP/2, which want no answer, for as long as this lasts."""
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(path)
        listening.listen()
        over = threading.Event()

        def serve() -> None:
            with closing(listening.accept()[0]) as caller:
                while not over.wait(0.02):
                    caller.sendall(bytes.fromhex("00000408000000000000000001"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        over.set()
        thread.join()
