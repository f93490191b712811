"""A damaged ledger: every verb says so in time, no pod loses anything, and a rebuild brings them back.

The long form, with thousands of flipped bytes, is `python -m tests.damage`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.damage.places import HEADER, Flip, flips
from tests.damage.scene import VERBS, Pod, Scene
from tests.harness import Answer

pytestmark = pytest.mark.in_process("the ledger is the same file for all; the verbs run in the hundreds")

_DAMAGED = "cni-hns ledger rebuild"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "node")
    yield made
    made.close()


def _cut(length: int) -> Callable[[Path], None]:
    """A negative length is cut off the end."""
    return lambda ledger: os.truncate(ledger, length if length >= 0 else ledger.stat().st_size + length)


def _newer(ledger: Path) -> None:
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")


def _instead(make: Callable[[Path, Path], object]) -> Callable[[Path], None]:
    """Something else under the ledger's name; the file itself lies beside it."""

    def damage(ledger: Path) -> None:
        aside = ledger.with_name("elsewhere.db")
        ledger.rename(aside)
        make(ledger, aside)

    return damage


_LENGTHS = [0, 1, 16, 99, 100, 101, 511, 512, 1024, 4095, 4096, 4097, 8192, 40960, -4096]
_KINDS = [
    *(pytest.param(_cut(length), _DAMAGED, id=f"cut to {length}") for length in _LENGTHS),
    pytest.param(_newer, "newer cni-hns", id="newer schema"),
    pytest.param(_instead(lambda ledger, _: ledger.mkdir()), "no regular file", id="a directory"),
    pytest.param(_instead(lambda ledger, _: os.mkfifo(ledger)), "no regular file", id="a FIFO"),
    pytest.param(_instead(lambda ledger, aside: ledger.symlink_to(aside)), "is a link", id="a link"),
    pytest.param(_instead(lambda ledger, _: ledger.symlink_to("nowhere")), "is a link", id="a dead link"),
    pytest.param(_instead(lambda ledger, _: ledger.symlink_to("/dev/zero")), "is a link", id="a device"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("damage", "words"), _KINDS)
def test_a_verb_says_what_is_wrong_and_what_to_do(
    scene: Scene, damage: Callable[[Path], None], words: str, verb: str
) -> None:
    scene.restore()
    damage(scene.ledger)
    before, there = scene.node.simulator.dump(), _picture(scene.ledger)
    answer = scene.call(verb, scene.newcomer if verb == "ADD" else scene.pods[0])
    assert (answer.exit_code, answer.document["code"]) == (1, 50 if verb == "STATUS" else 102), answer.words
    assert words in answer.words
    assert "no such file" not in answer.words.lower()
    assert (scene.node.simulator.dump(), _picture(scene.ledger)) == (before, there)


def _picture(ledger: Path) -> tuple[int, int, list[str]]:
    """What stands there: its kind, its length, and what lies beside it."""
    there = ledger.lstat()
    return there.st_mode, there.st_size, sorted(file.name for file in ledger.parent.iterdir())


@pytest.mark.parametrize("ifname", ["eth0", "net1"])
@pytest.mark.parametrize(("damage", "_words"), [kind for kind in _KINDS if kind.id != "newer schema"])
def test_a_rebuild_brings_every_pod_back(
    scene: Scene, damage: Callable[[Path], None], _words: str, ifname: str
) -> None:
    scene.restore()
    damage(scene.ledger)
    done = scene.node.command("ledger", "rebuild", "--json")
    assert done.exit_code == 0, done.stderr
    assert scene.ledger.is_file()
    assert not scene.ledger.is_symlink()
    for pod in scene.pods:
        if pod.ifname == ifname:
            assert pod.address in [lease.address for lease in scene.node.leases()]
            checked = scene.call("CHECK", pod)
            assert checked.exit_code == 0, checked.words
            assert scene.call("DEL", pod).exit_code == 0
    assert not [view for view in scene.node.endpoints() if _owner(scene, view.name) == ifname]


def _owner(scene: Scene, name: str) -> str:
    """The ifname of the pod that has an endpoint of this name."""
    return next((pod.ifname for pod in scene.pods if name.startswith(pod.container)), "")


def test_a_rebuild_follows_no_link(scene: Scene) -> None:
    """What the link names is left as it is."""
    scene.restore()
    _instead(lambda ledger, aside: ledger.symlink_to(aside))(scene.ledger)
    elsewhere = scene.ledger.with_name("elsewhere.db")
    before = elsewhere.read_bytes()
    assert scene.node.command("ledger", "rebuild").exit_code == 0
    assert elsewhere.read_bytes() == before


class TestFlippedBytes:
    """The short form: each fourth byte of the header, and some places; what holds of a verb is `Scene`'s."""

    _SEED = 7
    _PLACES = 24

    def test_no_verb_lies_and_no_other_pod_loses_anything(self, scene: Scene) -> None:
        assert [
            (str(flip), verb, words)
            for flip in self._flips(scene)
            for verb in VERBS
            for words in scene.verb_after(flip.damage, verb)[1]
        ] == []

    @pytest.mark.parametrize("length", [-1, -2000])
    def test_a_last_page_that_was_cut_is_no_exception(self, scene: Scene, length: int) -> None:
        """SQLite takes what is missing of a page for zeros, and that page may be free."""
        assert [(verb, words) for verb in VERBS for words in scene.verb_after(_cut(length), verb)[1]] == []

    def test_a_rebuild_brings_every_pod_with_a_usual_ifname_back(self, scene: Scene) -> None:
        assert self._wrong_with_rebuilds(scene, "eth0") == []

    def test_a_rebuild_brings_every_pod_with_another_ifname_back(self, scene: Scene) -> None:
        assert self._wrong_with_rebuilds(scene, "net1") == []

    def _wrong_with_rebuilds(self, scene: Scene, ifname: str) -> list[tuple[str, str]]:
        other = "net1" if ifname == "eth0" else "eth0"
        return [
            (str(flip), words)
            for flip in self._flips(scene)
            for words in scene.rebuild_after(flip.damage, thoroughly=False)[1]
            if f"({other})" not in words
        ]

    def _flips(self, scene: Scene) -> list[Flip]:
        drawn = flips(scene.sound, self._PLACES, self._SEED)
        return [*drawn[:HEADER:4], *drawn[HEADER:]]


def _out_of_space(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    """The ledger's file cannot grow by a page."""

    def connected(path: str, *arguments: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(path, *arguments, **more)
        if "ledger.db" in path:
            ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    return connected


def test_on_a_full_disk_adds_fail_until_there_is_space_and_every_pod_can_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ADD that needs a page says that the disk is full, and leaves nothing."""
    before = scene.node.endpoints()
    with monkeypatch.context() as full:
        full.setattr("_sqlite3.connect", _out_of_space(sqlite3.connect))
        answer, pod = _added_until_refused(scene)
        assert (answer.exit_code, answer.document["code"]) == (1, 102), answer.words
        assert "the disk is full" in answer.words
        assert "free some space" in answer.words
        assert not [view for view in scene.node.endpoints() if view.name.startswith(pod.container)]
        for one in scene.pods:
            deleted = scene.call("DEL", one)
            assert deleted.exit_code == 0, deleted.words
    assert not {view.id for view in before} & {view.id for view in scene.node.endpoints()}
    assert scene.call("ADD", pod).exit_code == 0


_DISK_BYTES = 1 << 20
_MOUNT, _UMOUNT = "/bin/mount", "/bin/umount"


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small file system of its own, where the node keeps its ledger."""
    place = tmp_path / "node" / "cni-hns"
    place.mkdir(parents=True)
    options = f"size={_DISK_BYTES},mode=0700"
    mounted = subprocess.run(
        [_MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode and not request.config.getoption("--require-lane"):
        pytest.skip(f"mounts a file system: {mounted.stderr.strip()}")
    assert mounted.returncode == 0, mounted.stderr
    yield place
    subprocess.run([_UMOUNT, str(place)], check=True)


def _fill(ledger: Path) -> None:
    """Not a byte is left on the disk."""
    with contextlib.suppress(OSError), ledger.with_name("filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


@pytest.mark.skipif(os.name == "nt", reason="mounts a file system")
class TestOnADiskOfItsOwn:
    @pytest.mark.parametrize("verb", VERBS)
    def test_that_is_full_a_verb_says_so_and_takes_nothing_from_a_pod(
        self, disk: Path, scene: Scene, verb: str
    ) -> None:
        code, wrong = scene.verb_after(_fill, verb)
        assert (disk / "filler").stat().st_size > _DISK_BYTES // 4, "it was filled"
        assert wrong == []
        assert code in (50, 102)
        (disk / "filler").unlink()
        assert scene.verb_after(lambda _ledger: None, verb) == (0, [])

    @pytest.mark.parametrize("verb", VERBS)
    def test_that_is_read_only_a_verb_says_so_and_takes_nothing_from_a_pod(
        self, disk: Path, scene: Scene, verb: str
    ) -> None:
        def remount(how: str) -> None:
            subprocess.run([_MOUNT, "-o", f"remount,{how}", str(disk)], check=True)

        code, wrong = scene.verb_after(lambda _ledger: remount("ro"), verb)
        remount("rw")
        assert wrong == []
        assert code in (50, 102)
        assert scene.verb_after(lambda _ledger: None, verb) == (0, [])


def _added_until_refused(scene: Scene) -> tuple[Answer, Pod]:
    for number in range(100, 300):
        pod = Pod(scene.node, number)
        answer = scene.call("ADD", pod)
        if answer.exit_code:
            return answer, pod
    raise AssertionError("the ledger never needed another page")
