"""host-local's files as they are made, and its lock."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from cni_hns.cni.errors import CniError
from cni_hns.ipam import hostlocal_files
from cni_hns.ipam.hostlocal_files import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.of(str(tmp_path / "networks"), "net")


def names(folder: Folder) -> list[str]:
    return sorted(os.listdir(folder.path))


def written(folder: Folder, name: str) -> bytes:
    return (Path(folder.path) / name).read_bytes()


class TestAReservation:
    def test_is_written_as_host_local_writes_it(self, folder: Folder) -> None:
        with folder.locked(1.0):
            assert folder.reserve("10.1.2.3", "pod1", "eth0") is None
        assert names(folder) == ["10.1.2.3", "lock"]
        assert written(folder, "10.1.2.3") == b"pod1\r\neth0"

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    def test_has_host_locals_modes(self, folder: Folder) -> None:
        with folder.locked(1.0):
            folder.reserve("10.1.2.3", "pod1", "eth0")
        assert os.stat(folder.path).st_mode & 0o777 == 0o755
        assert (Path(folder.path) / "10.1.2.3").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(("on_windows", "name"), [(True, "fd00__2"), (False, "fd00::2")])
    def test_of_ipv6_is_called_as_this_system_can(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch, on_windows: bool, name: str
    ) -> None:
        monkeypatch.setattr(hostlocal_files, "_WINDOWS", on_windows)
        with folder.locked(1.0):
            folder.reserve("fd00::2", "pod1", "eth0")
        assert names(folder) == [name, "lock"]

    def test_made_twice_is_the_same(self, folder: Folder) -> None:
        with folder.locked(1.0):
            assert [folder.reserve("10.1.2.3", "pod1", "eth0") for _ in range(2)] == [None, None]

    @pytest.mark.parametrize(
        ("content", "owner"), [(b"pod9\r\neth0", ("pod9", "eth0")), (b"pod1\r\neth1", ("pod1", "eth1"))]
    )
    def test_of_somebody_else_stays(self, folder: Folder, content: bytes, owner: tuple[str, str]) -> None:
        os.makedirs(folder.path)
        (Path(folder.path) / "10.1.2.3").write_bytes(content)
        other = folder.reserve("10.1.2.3", "pod1", "eth0")
        assert other is not None
        assert other[1:] == owner
        assert written(folder, "10.1.2.3") == content

    def test_that_says_nothing_is_somebody_elses(self, folder: Folder) -> None:
        """Put there by hand, so that nobody gets the address."""
        os.makedirs(folder.path)
        (Path(folder.path) / "10.1.2.3").touch()
        assert folder.reserve("10.1.2.3", "pod1", "eth0") is not None

    def test_that_cannot_be_written_leaves_no_file(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """host-local would find an address that is taken by nobody."""

        def full(*_: object) -> NoReturn:
            raise OSError(errno.ENOSPC, "No space left on device")

        with folder.locked(1.0):
            monkeypatch.setattr(os, "write", full)
            with pytest.raises(CniError, match="No space left") as fault:
                folder.reserve("10.1.2.3", "pod1", "eth0")
        assert fault.value.code == 5
        assert names(folder) == ["lock"]

    def test_that_its_maker_could_not_finish_goes_with_its_lease(self, folder: Folder) -> None:
        os.makedirs(folder.path)
        (Path(folder.path) / "10.1.2.3").touch()
        folder.drop("10.1.2.3", "pod1", "eth0")
        assert names(folder) == []

    def test_of_somebody_else_is_not_dropped(self, folder: Folder) -> None:
        os.makedirs(folder.path)
        (Path(folder.path) / "10.1.2.3").write_bytes(b"pod9\r\neth0")
        folder.drop("10.1.2.3", "pod1", "eth0")
        assert names(folder) == ["10.1.2.3"]

    def test_that_cannot_be_removed_is_an_error(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its address would be lost to everybody, and nobody would know."""

        def refused(_path: object) -> NoReturn:
            raise PermissionError(errno.EACCES, "Permission denied")

        with folder.locked(1.0):
            folder.reserve("10.1.2.3", "pod1", "eth0")
        monkeypatch.setattr(os, "unlink", refused)
        with pytest.raises(CniError, match="Permission denied") as fault:
            folder.drop("10.1.2.3", "pod1", "eth0")
        assert fault.value.code == 5


class TestWhatWasReservedLast:
    @pytest.mark.parametrize("address", ["10.1.2.3", "fd00::2"])
    def test_is_kept_as_host_local_keeps_it(self, folder: Folder, address: str) -> None:
        with folder.locked(1.0):
            folder.keep_last_reserved(1, "10.1.200.200")
            folder.keep_last_reserved(1, address)
        assert written(folder, "last_reserved_ip.1") == address.encode()

    @pytest.mark.parametrize("content", [None, b"", b"nonsense", b"10.1.2"])
    def test_that_nobody_can_read_is_no_hint(self, folder: Folder, content: bytes | None) -> None:
        os.makedirs(folder.path)
        if content is not None:
            (Path(folder.path) / "last_reserved_ip.0").write_bytes(content)
        assert folder.last_reserved(0) is None


class TestTheLock:
    def test_is_made_with_its_folder(self, folder: Folder) -> None:
        with folder.locked(1.0):
            assert names(folder) == ["lock"]

    def test_that_is_held_is_waited_for_and_then_an_error_that_says_so(self, folder: Folder) -> None:
        with folder.locked(1.0), pytest.raises(CniError, match="is held by another process") as fault:  # noqa: SIM117
            with Folder(folder.path).locked(0.05):
                pass
        assert fault.value.code == 11
        assert folder.path in str(fault.value)

    def test_is_given_back_after_a_failure(self, folder: Folder) -> None:
        with pytest.raises(ZeroDivisionError), folder.locked(1.0):
            raise ZeroDivisionError
        with folder.locked(0.05):
            pass

    @pytest.mark.parametrize("what", ["the folder", "the lock"])
    def test_is_not_taken_through_a_link(self, folder: Folder, tmp_path: Path, what: str) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        if what == "the folder":
            os.makedirs(os.path.dirname(folder.path))
            os.symlink(elsewhere, folder.path)
        else:
            os.makedirs(folder.path)
            os.symlink(elsewhere / "target", os.path.join(folder.path, "lock"))
        with pytest.raises(CniError, match="cannot be written"), folder.locked(1.0):
            pass
        assert list(elsewhere.iterdir()) == []
