"""The released host-local and this plugin on one folder of reservations, by turns and at the same time."""

from __future__ import annotations

import json
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tests.clients.host import Host
from tests.harness import Answer, container_id, finished, l2bridge, leave

_WORKERS = 16
_PODS_EACH = {"linux": 6, "windows": 2}
_SEED = 20261
# One in so many ADDs is killed somewhere on its way.
_KILLED = 4


class Turns:
    """A node whose network "pods" gives addresses out of host-local's folder."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.folder = host.folder / "networks" / "pods"
        self.program = host.lane.program("host-local", windows=host.windows)
        data_dir = host.path(self.folder.parent)
        self.config: dict[str, Any] = l2bridge(
            ipam={"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]], "dataDir": data_dir}
        )

    def files(self) -> dict[str, bytes]:
        names = [one for one in self.folder.glob("*") if one.name[0].isdigit()]
        return {one.name: one.read_bytes() for one in names}

    def ours(self, command: str, container: str, netns: str = "") -> Answer:
        return self.host.call(command, self.config, container, netns)

    def start_theirs(self, command: str, container: str) -> subprocess.Popen[bytes]:
        variables = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": "none",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": self.host.cni_path,
        }
        process = self.host.start(self.program, env=variables)
        assert process.stdin is not None
        process.stdin.write(json.dumps(self.config).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def theirs(self, command: str, container: str) -> Answer:
        return finished(self.start_theirs(command, container))

    def given(self, who: str, container: str) -> str:
        answer = (
            self.ours("ADD", container, self.host.node.namespace())
            if who == "ours"
            else self.theirs("ADD", container)
        )
        assert answer.exit_code == 0, answer.words
        return answer.addresses[0].partition("/")[0]


@pytest.fixture
def turns(host: Host) -> Turns:
    return Turns(host)


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_each_goes_on_where_the_other_was(turns: Turns, first: str) -> None:
    second = {"ours": "theirs", "theirs": "ours"}[first]
    pods = [(who, container_id()) for who in (first, second, first, first, second, second)]
    addresses = [turns.given(who, container) for who, container in pods]
    assert addresses == [f"10.88.0.{last}" for last in range(2, 8)]
    assert turns.files() == {
        address: f"{container}\r\neth0".encode()
        for address, (_, container) in zip(addresses, pods, strict=True)
    }


def test_what_one_releases_the_other_gives_again(turns: Turns) -> None:
    turns.config["ipam"]["ranges"] = [[{"subnet": "10.88.0.0/24", "rangeEnd": "10.88.0.3"}]]
    ours, theirs = container_id(), container_id()
    assert [turns.given("ours", ours), turns.given("theirs", theirs)] == ["10.88.0.2", "10.88.0.3"]
    assert turns.ours("ADD", container_id(), turns.host.node.namespace()).document["code"] == 101
    assert turns.theirs("ADD", container_id()).exit_code == 1
    assert turns.theirs("DEL", theirs).exit_code == 0
    again = container_id()
    assert turns.given("ours", again) == "10.88.0.3"
    assert turns.ours("DEL", ours).exit_code == 0
    assert turns.given("theirs", container_id()) == "10.88.0.2"


def test_a_pod_of_the_peers_goes_with_our_del(turns: Turns) -> None:
    theirs = container_id()
    turns.given("theirs", theirs)
    assert turns.ours("DEL", theirs).exit_code == 0
    assert turns.files() == {}


class _Crowd:
    """Workers that add and delete pods; which address is whose at each moment."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.holders: dict[str, str] = {}
        self.faults: list[str] = []
        self._lock = threading.Lock()

    def work(self, number: int, pods: int) -> None:
        chance = random.Random(_SEED + number)  # noqa: S311 - no secret
        who = "ours" if number % 2 else "theirs"
        for container in [container_id() for _ in range(pods)]:
            address = self._add(who, container, killed=chance.randrange(_KILLED) == 0, chance=chance)
            if address is not None and chance.randrange(3):
                continue  # it runs on
            self._release(address)
            self._delete(who, container)

    def _add(self, who: str, container: str, *, killed: bool, chance: random.Random) -> str | None:
        host = self.turns.host
        process = (
            host.start_plugin("ADD", self.turns.config, container, host.node.namespace())
            if who == "ours"
            else self.turns.start_theirs("ADD", container)
        )
        if killed:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=chance.random() * 0.1)
            process.kill()
            if process.wait() != 0:
                # Under Wine what it was about to start can hang for ever, with the streams open.
                leave(process)
                return None
        answer = finished(process)
        if answer.exit_code != 0 or not answer.document:
            if not killed:
                self._fault(f"{who}: {answer.words}")
            return None
        address = answer.addresses[0].partition("/")[0]
        with self._lock:
            other = self.holders.setdefault(address, container)
        if other != container:
            self._fault(f"{address} was given to {other[:8]} and, by {who}, to {container[:8]}")
        return address

    def _release(self, address: str | None) -> None:
        with self._lock:
            self.holders.pop(address or "", None)

    def _delete(self, who: str, container: str) -> None:
        turns = self.turns
        answer = turns.ours("DEL", container) if who == "ours" else turns.theirs("DEL", container)
        if answer.exit_code != 0:
            self._fault(f"DEL of {who}: {answer.words}")

    def _fault(self, words: str) -> None:
        with self._lock:
            self.faults.append(words)


@pytest.fixture
def crowd(turns: Turns) -> _Crowd:
    return _Crowd(turns)


def test_no_address_is_given_twice_by_sixteen_at_once(crowd: _Crowd, system: str) -> None:
    """Eight processes of each, some of them killed on their way."""
    turns = crowd.turns
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(lambda number: crowd.work(number, _PODS_EACH[system]), range(_WORKERS)))
    assert crowd.faults == []
    files = turns.files()
    assert {address for address, text in files.items() if text} >= set(crowd.holders)
    for address, container in crowd.holders.items():
        assert files[address] == f"{container}\r\neth0".encode()
    for container in crowd.holders.values():
        assert turns.ours("DEL", container).exit_code == 0
    assert set(turns.files()) <= {one.address for one in turns.host.node.leases(all_of_them=True)}
    assert turns.host.node.leases() == []
