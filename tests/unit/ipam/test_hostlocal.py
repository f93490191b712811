"""Taking over what host-local reserved, and giving it back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cni_hns.cni.errors import CniError
from cni_hns.ipam import hostlocal
from cni_hns.ipam.held import quarantine, release
from cni_hns.ipam.hostlocal import Takeover
from cni_hns.ipam.hostlocal_files import Folder
from cni_hns.ledger import Lease, Ledger
from tests.unit.ipam.shorthand import NOW, Span, give, held, pod

WIDE = [[Span("10.1.2.0/24", "10.1.2.1", "10.1.2.254", "10.1.2.1")]]


def take_over(ledger: Ledger, network: str, data_dir: str) -> Takeover:
    return hostlocal.take_over(ledger, network, [Folder.of(data_dir, network)])


def drop_files(leases: list[Lease], data_dir: str) -> None:
    for lease in leases:
        hostlocal.drop([lease], Folder.of(data_dir, lease.network), timeout_s=1.0, is_shared=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """host-local's folder, with one network."""
    (tmp_path / "networks" / "net").mkdir(parents=True)
    return tmp_path / "networks"


@pytest.fixture
def folder(data_dir: Path) -> Path:
    (data_dir / "net" / "lock").touch()
    return data_dir / "net"


def reserve(folder: Path, name: str, content: str = "pod1\r\neth0") -> Path:
    (folder / name).write_bytes(content.encode())
    return folder / name


def settle(folder: Path, seconds_ago: int = 100) -> None:
    """Make the folder's last change one that is long over."""
    moment = time.time_ns() - seconds_ago * 10**9
    os.utime(folder, ns=(moment, moment))


class TestReservations:
    @pytest.mark.parametrize(
        ("name", "content", "address", "owner"),
        [
            pytest.param(
                "10.1.2.3", "pod1\r\neth0", "10.1.2.3", ("pod1", "eth0"), id="as host-local writes them"
            ),
            pytest.param("10.1.2.3", " pod1 \n eth0 \r\n", "10.1.2.3", ("pod1", "eth0"), id="edited by hand"),
            pytest.param(
                "10.1.2.3", "pod1", "10.1.2.3", ("pod1", ""), id="by a version without interface names"
            ),
            pytest.param("fd00__2", "pod1\r\neth0", "fd00::2", ("pod1", "eth0"), id="IPv6 on Windows"),
            pytest.param("fd00::2", "pod1\r\neth0", "fd00::2", ("pod1", "eth0"), id="IPv6 elsewhere"),
            pytest.param("10.1.2.3", "", "10.1.2.3", ("", ""), id="just being written"),
        ],
    )
    def test_become_leases(
        self,
        ledger: Ledger,
        data_dir: Path,
        folder: Path,
        name: str,
        content: str,
        address: str,
        owner: tuple[str, str],
    ) -> None:
        reserve(folder, name, content)
        assert take_over(ledger, "net", str(data_dir)) == (1, 0, [])
        (lease,) = ledger.leases("net")
        assert (lease.address, lease.key[1:], lease.origin) == (address, owner, "adopted")

    def test_are_not_given_to_anybody_else(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        assert give(ledger, pod(2), WIDE) == ["10.1.2.3"]

    def test_stay_their_containers_own(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        reserve(folder, "10.1.2.9")
        take_over(ledger, "net", str(data_dir))
        assert give(ledger, pod(1), WIDE) == ["10.1.2.9"]
        (lease,) = ledger.leases_of(pod(1))
        assert (lease.prefix, lease.gateway, lease.origin) == (24, "10.1.2.1", "adopted")

    def test_of_other_names_are_nothing(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        for name in ("notes.txt", "10.1.2.3.bak", "last_reserved_ip.x"):
            reserve(folder, name)
        assert take_over(ledger, "net", str(data_dir)) == (0, 0, [])
        assert ledger.leases() == []

    def test_of_a_released_or_quarantined_address_count(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        give(ledger, pod(5), WIDE)
        give(ledger, pod(6), WIDE)
        release(ledger, pod(5), now=NOW)
        quarantine(ledger, pod(6), "10.1.2.3", time.time() + 600)
        reserve(folder, "10.1.2.2")
        reserve(folder, "10.1.2.3")
        assert take_over(ledger, "net", str(data_dir)).adopted == 2
        assert held(ledger) == {"10.1.2.2": "pod1", "10.1.2.3": "pod1"}

    def test_that_contradict_the_ledger_are_named(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        give(ledger, pod(2), WIDE)
        reserve(folder, "10.1.2.2")
        (conflict,) = take_over(ledger, "net", str(data_dir)).conflicts
        assert "10.1.2.2" in conflict
        assert "pod1" in conflict
        assert "pod2" in conflict
        assert held(ledger) == {"10.1.2.2": "pod2"}

    def test_of_what_the_attachment_has_only_say_that_there_is_a_file(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        give(ledger, pod(1), WIDE)
        reserve(folder, "10.1.2.2")
        assert take_over(ledger, "net", str(data_dir)) == (0, 0, [])
        (lease,) = ledger.leases_of(pod(1))
        assert (lease.origin, lease.prefix) == ("adopted", 24)

    def test_that_were_incomplete_say_whose_they_are_at_the_next_look(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        file = reserve(folder, "10.1.2.2", "")
        settle(folder)
        take_over(ledger, "net", str(data_dir))
        file.write_bytes(b"pod1\r\neth0")
        settle(folder)
        take_over(ledger, "net", str(data_dir))
        assert held(ledger) == {"10.1.2.2": "pod1"}


class TestTheCursor:
    def test_starts_where_host_local_was(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        (folder / "last_reserved_ip.0").write_text("10.1.2.200")
        (folder / "last_reserved_ip.1").write_text("fd00::7")
        take_over(ledger, "net", str(data_dir))
        sets = [*WIDE, [Span("fd00::/64", "fd00::1", "fd00::ff")]]
        assert give(ledger, pod(1), sets) == ["10.1.2.201", "fd00::8"]

    @pytest.mark.parametrize("content", ["", "nonsense"])
    def test_is_nothing_where_its_file_is_unreadable(
        self, ledger: Ledger, data_dir: Path, folder: Path, content: str
    ) -> None:
        (folder / "last_reserved_ip.0").write_text(content)
        take_over(ledger, "net", str(data_dir))
        assert give(ledger, pod(1), WIDE) == ["10.1.2.2"]


class TestTheFolder:
    def test_that_is_not_there_is_nothing(self, ledger: Ledger, tmp_path: Path) -> None:
        assert take_over(ledger, "net", str(tmp_path / "nowhere")) == (0, 0, [])

    def test_that_is_a_file_is_nothing(self, ledger: Ledger, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert take_over(ledger, "net", str(tmp_path / "file")) == (0, 0, [])

    def test_is_not_read_again_until_it_changes(
        self, ledger: Ledger, data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reserve(folder, "10.1.2.2")
        settle(folder)
        take_over(ledger, "net", str(data_dir))
        with monkeypatch.context() as patch:
            patch.setattr(os, "listdir", _must_not_be_read)
            assert take_over(ledger, "net", str(data_dir)) == (0, 0, [])
        reserve(folder, "10.1.2.3", "pod2\r\neth0")
        assert take_over(ledger, "net", str(data_dir)).adopted == 1

    @pytest.mark.parametrize("reason", ["it changed just now", "a file was incomplete", "a file vanished"])
    def test_is_read_again_while_it_may_have_changed_unseen(
        self, ledger: Ledger, data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, reason: str
    ) -> None:
        reserve(folder, "10.1.2.2", "" if reason == "a file was incomplete" else "pod1\r\neth0")
        if reason != "it changed just now":
            settle(folder)
        if reason == "a file vanished":
            monkeypatch.setattr(os, "listdir", lambda _: ["10.1.2.2", "10.1.2.77"])
        take_over(ledger, "net", str(data_dir))
        monkeypatch.setattr(os, "listdir", _must_not_be_read)
        with pytest.raises(AssertionError, match="must not be read"):
            take_over(ledger, "net", str(data_dir))

    @pytest.mark.parametrize("call", ["stat", "listdir"])
    def test_that_cannot_be_read_is_an_error(
        self, ledger: Ledger, data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        """Its addresses are in use: going on without them would give them twice."""

        def refused(_path: object) -> object:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, call, refused)
        with pytest.raises(CniError) as fault:
            take_over(ledger, "net", str(data_dir))
        assert fault.value.code == 5
        assert str(folder) in str(fault.value)

    def test_that_is_damaged_in_one_file_is_an_error(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        (folder / "10.1.2.3").mkdir()
        with pytest.raises(CniError, match="cannot be read"):
            take_over(ledger, "net", str(data_dir))
        assert ledger.leases() == []

    @pytest.mark.parametrize("name", ["nul", "CON", "com1.net", "Lpt9", "aux.", "net.", "net.."])
    def test_is_none_that_windows_can_have(self, ledger: Ledger, data_dir: Path, name: str) -> None:
        (data_dir / "net").mkdir(exist_ok=True)
        with pytest.raises(CniError, match="cannot be the name of a folder") as fault:
            take_over(ledger, name, str(data_dir))
        assert fault.value.code == 7

    @pytest.mark.parametrize("name", ["console", "com10", "nul-1", ".net", "n.u.l"])
    def test_may_have_a_name_that_only_begins_like_a_device(
        self, ledger: Ledger, data_dir: Path, name: str
    ) -> None:
        (data_dir / name).mkdir()
        reserve(data_dir / name, "10.1.2.2")
        assert take_over(ledger, name, str(data_dir)).adopted == 1


def _must_not_be_read(_path: object) -> list[str]:
    raise AssertionError("must not be read")


class TestWhatHostLocalReleased:
    def test_is_free_again(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        file = reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        file.unlink()
        assert take_over(ledger, "net", str(data_dir)).ended == 1
        assert ledger.leases() == []

    def test_stays_with_an_attachment_that_is_known(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        from tests.unit.ledger.shorthand import add

        file = reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        add(ledger, pod(1))
        file.unlink()
        assert take_over(ledger, "net", str(data_dir)).ended == 0
        (lease,) = ledger.leases_of(pod(1))
        assert lease.origin == "allocated"

    def test_says_nothing_of_another_folder(
        self, ledger: Ledger, data_dir: Path, folder: Path, tmp_path: Path
    ) -> None:
        reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        (tmp_path / "other" / "net").mkdir(parents=True)
        for _ in range(2):
            assert take_over(ledger, "net", str(tmp_path / "other")).ended == 0
            assert held(ledger) == {"10.1.2.2": "pod1"}

    def test_is_still_its_owners_where_another_folder_says_otherwise(
        self, ledger: Ledger, data_dir: Path, folder: Path, tmp_path: Path
    ) -> None:
        reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        (tmp_path / "other" / "net").mkdir(parents=True)
        reserve(tmp_path / "other" / "net", "10.1.2.2", "pod9\r\neth0")
        assert len(take_over(ledger, "net", str(tmp_path / "other")).conflicts) == 1
        assert held(ledger) == {"10.1.2.2": "pod1"}


class TestLinks:
    """Whoever can make one would choose what is read and removed with our rights."""

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Path:
        (tmp_path / "elsewhere").mkdir()
        return reserve(tmp_path / "elsewhere", "10.1.2.2")

    @pytest.mark.parametrize("what", ["a reservation", "the folder", "the cursor"])
    def test_are_an_error_that_names_them(
        self, ledger: Ledger, data_dir: Path, folder: Path, elsewhere: Path, what: str
    ) -> None:
        link = {"a reservation": folder / "10.1.2.2", "the cursor": folder / "last_reserved_ip.0"}.get(what)
        if link is None:
            (folder / "lock").unlink()
            folder.rmdir()
            folder.symlink_to(elsewhere.parent)
        else:
            link.symlink_to(elsewhere)
        with pytest.raises(CniError, match="is a link") as fault:
            take_over(ledger, "net", str(data_dir))
        assert fault.value.code == 5
        assert ledger.leases() == []

    @pytest.mark.parametrize("what", ["the file", "the folder", "the lock"])
    def test_are_not_followed_to_remove_a_file(
        self, ledger: Ledger, data_dir: Path, folder: Path, elsewhere: Path, what: str
    ) -> None:
        file = reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        file.unlink()
        (folder / "lock").unlink()
        if what == "the file":
            file.symlink_to(elsewhere)
        elif what == "the folder":
            folder.rmdir()
            folder.symlink_to(elsewhere.parent)
        else:
            (folder / "lock").symlink_to(elsewhere)
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert elsewhere.exists()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no file name here")
    def test_and_pipes_do_not_keep_anybody_waiting(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        os.mkfifo(folder / "10.1.2.2")
        with pytest.raises(CniError, match="is no regular file"):
            take_over(ledger, "net", str(data_dir))


class TestGivingBack:
    def test_removes_nothing_that_only_the_ledger_speaks_of(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        """An address that this plugin gave itself is none of host-local's."""
        give(ledger, pod(1), WIDE)
        file = reserve(folder, "10.1.2.2")
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert file.exists()

    @pytest.mark.parametrize("network", ["net", "other"])
    def test_removes_files_of_its_own_network_only(
        self, ledger: Ledger, data_dir: Path, folder: Path, network: str
    ) -> None:
        (data_dir / "other").mkdir()
        both = {name: reserve(data_dir / name, "10.1.2.2") for name in ("net", "other")}
        for name in both:
            take_over(ledger, name, str(data_dir))
        drop_files(release(ledger, pod(1)._replace(network=network)), str(data_dir))
        assert {name for name, file in both.items() if file.exists()} == {"net", "other"} - {network}

    @pytest.mark.parametrize("name", ["fd00::2", "fd00__2"])
    def test_finds_the_file_as_either_system_writes_it(
        self, ledger: Ledger, data_dir: Path, folder: Path, name: str
    ) -> None:
        file = reserve(folder, name)
        take_over(ledger, "net", str(data_dir))
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert not file.exists()

    def test_removes_the_files_of_what_was_released(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        file = reserve(folder, "10.1.2.2")
        other = reserve(folder, "10.1.2.3", "pod2\r\neth0")
        take_over(ledger, "net", str(data_dir))
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert (file.exists(), other.exists()) == (False, True)
        assert take_over(ledger, "net", str(data_dir)) == (0, 0, [])

    def test_finds_a_container_without_an_interface_name(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        file = reserve(folder, "10.1.2.2", "pod1")
        take_over(ledger, "net", str(data_dir))
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert not file.exists()

    def test_leaves_a_file_that_is_another_containers_by_now(
        self, ledger: Ledger, data_dir: Path, folder: Path
    ) -> None:
        file = reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        released = release(ledger, pod(1))
        reserve(folder, "10.1.2.2", "pod9\r\neth0")
        drop_files(released, str(data_dir))
        assert file.exists()

    def test_goes_on_past_a_file_that_is_gone(self, ledger: Ledger, data_dir: Path, folder: Path) -> None:
        reserve(folder, "10.1.2.2").unlink()
        first = reserve(folder, "10.1.2.3")
        second = reserve(folder, "10.1.2.4")
        take_over(ledger, "net", str(data_dir))
        first.unlink()
        give(ledger, pod(7), WIDE)
        drop_files([*release(ledger, pod(7)), *release(ledger, pod(1))], str(data_dir))
        assert not second.exists()

    @pytest.mark.skipif(os.name == "nt", reason="flock")
    @pytest.mark.parametrize("is_there", [True, False])
    def test_takes_host_locals_lock_where_there_is_one(
        self,
        ledger: Ledger,
        data_dir: Path,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        is_there: bool,
    ) -> None:
        file = reserve(folder, "10.1.2.2")
        take_over(ledger, "net", str(data_dir))
        locked_at_removal = []
        really_unlink = os.unlink

        def unlink(path: str) -> None:
            locked_at_removal.append(not _free(folder / "lock"))
            really_unlink(path)

        if not is_there:
            (folder / "lock").unlink()
        monkeypatch.setattr(os, "unlink", unlink)
        drop_files(release(ledger, pod(1)), str(data_dir))
        assert not file.exists()
        assert locked_at_removal == [is_there]
        assert _free(folder / "lock")


def _free(lock: Path) -> bool:
    import fcntl

    if not lock.exists():
        return True
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
