"""Windows' access lists, read from the bytes that Windows gives and written by its functions' stand-ins."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding import access, access_lists
from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.access_lists import REPLACE, WRITE, others, writers

SYSTEM, ADMINISTRATORS, USERS = "S-1-5-18", "S-1-5-32-544", "S-1-5-32-545"
EVERYONE, AUTHENTICATED, CREATOR_OWNER = "S-1-1-0", "S-1-5-11", "S-1-3-0"
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
BOB, US = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-500"
FULL, MODIFY, READ = 0x1F01FF, 0x1301BF, 0x1200A9
ADD_FILES, ADD_FOLDERS = 0x2, 0x4
INHERITED_BY_ALL, INHERIT_ONLY, INHERITED = 0x3, 0x8, 0x10
DENIED = 1

Ace = tuple[Any, ...]


def sid(text: str) -> bytes:
    revision, authority, *numbers = (int(part) for part in text.split("-")[1:])
    head = bytes([revision, len(numbers)]) + authority.to_bytes(6)
    return head + struct.pack(f"<{len(numbers)}I", *numbers)


def ace(who: str, mask: int, flags: int = 0, kind: int = 0) -> bytes:
    body = struct.pack("<I", mask) + sid(who)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def descriptor(owner: str, *aces: Ace) -> bytes:
    """As MS-DTYP 2.4.6 draws it."""
    entries = b"".join(ace(*one) for one in aces)
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), len(aces), 0) + entries
    return struct.pack("<BBHIIII", 1, 0, 0x8004, 20 + len(acl), 0, 0, 20) + acl + sid(owner)


class FakeWindows:
    """The few functions of advapi32 and kernel32 that are called, on folders with descriptors."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.made: list[tuple[str, bytes]] = []
        self.account: str | None = US
        self.asked_for_account = 0
        self.open: list[str] = []
        self.error = 2
        self.spelling_fails = False

    def GetFileSecurityW(self, name: Any, asked: int, buffer: Any, size: int, needed: Any) -> int:  # noqa: N802
        assert asked == 5
        found = self.files.get(str(ffi.string(name)))
        if found is None:
            return 0
        needed[0] = len(found)
        if size < len(found):
            return 0
        ffi.memmove(buffer, found, len(found))
        return 1

    def GetLastError(self) -> int:  # noqa: N802
        return self.error

    def GetCurrentProcess(self) -> Any:  # noqa: N802
        return ffi.cast("HANDLE", -1)

    def OpenProcessToken(self, process: Any, access: int, token: Any) -> int:  # noqa: N802
        assert access == 8
        self.asked_for_account += 1
        if self.account is None:
            return 0
        self.open.append("token")
        token[0] = ffi.cast("HANDLE", 7)
        return 1

    def GetTokenInformation(self, token: Any, kind: int, buffer: Any, size: int, needed: Any) -> int:  # noqa: N802
        assert (kind, self.account is not None) == (1, True)
        found = sid(self.account or "")
        buffer[0] = int(ffi.cast("uintptr_t", buffer)) + 16
        ffi.memmove(ffi.cast("char *", buffer) + 16, found, len(found))
        return int(16 + len(found) <= size)

    def CloseHandle(self, handle: Any) -> int:  # noqa: N802
        self.open.remove("token")
        return 1

    def ConvertStringSecurityDescriptorToSecurityDescriptorW(  # noqa: N802
        self, text: Any, revision: int, found: Any, size: Any
    ) -> int:
        if self.spelling_fails:
            return 0
        self.open.append("descriptor")
        self.spelled = ffi.new("char[]", str(ffi.string(text)).encode())
        found[0] = self.spelled
        return 1

    def CreateDirectoryW(self, name: Any, attributes: Any) -> int:  # noqa: N802
        if self.error != 2:
            return 0
        assert attributes.nLength == 24
        spelled = ffi.string(ffi.cast("char *", attributes.lpSecurityDescriptor))
        self.made.append((str(ffi.string(name)), spelled))  # type: ignore[arg-type]
        return 1

    def LocalFree(self, memory: Any) -> Any:  # noqa: N802
        self.open.remove("descriptor")
        return ffi.NULL


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    fake = FakeWindows()
    monkeypatch.setattr(access_lists, "_advapi32", fake)
    monkeypatch.setattr(access_lists, "_kernel32", fake)
    monkeypatch.setattr(access_lists, "_our_account", [])
    return fake


ADMINS_ONLY: list[Ace] = [(SYSTEM, FULL, INHERITED_BY_ALL), (ADMINISTRATORS, FULL, INHERITED_BY_ALL)]


@pytest.mark.parametrize(
    ("owner", "aces", "found"),
    [
        pytest.param(SYSTEM, ADMINS_ONLY, [], id="as this program makes it"),
        pytest.param(ADMINISTRATORS, ADMINS_ONLY, [], id="made by an administrator"),
        pytest.param(
            TRUSTED_INSTALLER,
            [(TRUSTED_INSTALLER, FULL), (CREATOR_OWNER, FULL, INHERIT_ONLY), (USERS, READ), *ADMINS_ONLY],
            [],
            id="below Program Files",
        ),
        pytest.param(US, [(US, FULL)], [], id="our own"),
        pytest.param(
            SYSTEM,
            [(USERS, READ, INHERITED), (USERS, ADD_FILES | ADD_FOLDERS, INHERITED | 2), *ADMINS_ONLY],
            [USERS],
            id="made in ProgramData as any folder is",
        ),
        pytest.param(
            ADMINISTRATORS,
            [(AUTHENTICATED, MODIFY, INHERITED), *ADMINS_ONLY],
            [AUTHENTICATED],
            id="below C:\\",
        ),
        pytest.param(BOB, ADMINS_ONLY, [BOB], id="made beforehand by somebody"),
        pytest.param(SYSTEM, [(BOB, 0x4_0000)], [BOB], id="may change the list"),
        pytest.param(SYSTEM, [(BOB, 0x4000_0000)], [BOB], id="may write, generically"),
        pytest.param(SYSTEM, [(BOB, MODIFY, INHERIT_ONLY | 1)], [BOB], id="may write new files"),
        pytest.param(SYSTEM, [(BOB, ADD_FILES, 0, 9)], [BOB], id="may write under a condition"),
        pytest.param(SYSTEM, [(BOB, FULL, 0, DENIED), *ADMINS_ONLY], [], id="is denied"),
        pytest.param(SYSTEM, [(BOB, READ), (USERS, READ)], [], id="may read"),
        pytest.param(BOB, [(BOB, FULL), (EVERYONE, FULL)], [BOB, EVERYONE], id="each is named once"),
    ],
)
def test_others_are_all_but_administrators_system_and_us(
    windows: FakeWindows, owner: str, aces: list[Ace], found: list[str]
) -> None:
    windows.files["C:\\folder"] = descriptor(owner, *aces)
    assert others("C:\\folder", WRITE, inherited=True) == found
    assert windows.open == []


@pytest.mark.parametrize(
    ("aces", "found"),
    [
        pytest.param(
            [(USERS, ADD_FILES | ADD_FOLDERS), (EVERYONE, MODIFY)], [], id="who adds replaces nothing"
        ),
        pytest.param([(BOB, 0x40)], [BOB], id="who deletes what is inside does"),
        pytest.param([(BOB, FULL, INHERIT_ONLY)], [], id="what holds further down only"),
    ],
)
def test_a_parent_counts_where_a_folder_in_it_can_be_replaced(
    windows: FakeWindows, aces: list[Ace], found: list[str]
) -> None:
    windows.files["C:\\"] = descriptor(SYSTEM, *aces)
    assert others("C:\\", REPLACE, inherited=False) == found


def test_no_list_at_all_means_everyone() -> None:
    without = struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 0, 0, 0) + sid(SYSTEM)
    empty_pointer = struct.pack("<BBHIIII", 1, 0, 0x8004, 20, 0, 0, 0) + sid(SYSTEM)
    assert writers(without, WRITE, inherited=True) == [SYSTEM, EVERYONE]
    assert writers(empty_pointer, WRITE, inherited=True) == [SYSTEM, EVERYONE]


def test_an_empty_list_means_the_owner() -> None:
    assert writers(descriptor(BOB), WRITE, inherited=True) == [BOB]


def test_a_long_list_is_read_whole(windows: FakeWindows) -> None:
    many = [(f"S-1-5-21-9-9-9-{number}", READ) for number in range(100)]
    windows.files["C:\\folder"] = descriptor(SYSTEM, *many, (BOB, FULL))
    assert others("C:\\folder", WRITE, inherited=True) == [BOB]


def test_our_account_is_asked_for_once_and_only_where_it_matters(windows: FakeWindows) -> None:
    windows.files["C:\\ours"] = descriptor(US, (US, FULL))
    windows.files["C:\\system"] = descriptor(SYSTEM, *ADMINS_ONLY)
    others("C:\\system", WRITE, inherited=True)
    assert windows.asked_for_account == 0
    for _ in range(3):
        assert others("C:\\ours", WRITE, inherited=True) == []
    assert windows.asked_for_account == 1


def test_an_account_that_windows_does_not_tell_is_nobodys(windows: FakeWindows) -> None:
    windows.account = None
    windows.files["C:\\folder"] = descriptor(BOB)
    assert others("C:\\folder", WRITE, inherited=True) == [BOB]


def test_a_list_that_cannot_be_read_is_an_error(windows: FakeWindows) -> None:
    windows.error = 5
    with pytest.raises(OSError, match="Win32 error 5"):
        others("C:\\folder", WRITE, inherited=True)


def test_what_is_said_names_who_and_how_to_change_it(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_WINDOWS", True)
    windows.files["C:\\folder"] = descriptor(BOB, (USERS, ADD_FILES))
    exposure = access._on_windows("C:\\folder", WRITE, inherited=True)
    assert exposure is not None
    assert exposure.what == f'"C:\\folder" can be written by {BOB}, Users (S-1-5-32-545)'
    assert f'icacls "C:\\folder" /remove:g *{BOB} *{USERS}' in exposure.next_step
    windows.error = 5
    unreadable = access._on_windows("C:\\nowhere", WRITE, inherited=True)
    assert unreadable is not None
    assert "cannot be read" in unreadable.what


class TestOnWindows:
    """What belongs to whom is asked of access lists there, and a new folder is nobody else's."""

    @pytest.fixture(autouse=True)
    def _on_windows(self, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(access, "_WINDOWS", True)

    def test_a_folder_that_others_can_write_is_exposed(self, windows: FakeWindows, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        windows.files = {str(tmp_path): descriptor(SYSTEM), str(folder): descriptor(SYSTEM)}
        assert access.exposed_folder(str(folder)) is None
        windows.files[str(folder)] = descriptor(SYSTEM, (USERS, ADD_FILES))
        exposure = access.exposed_folder(str(folder))
        assert exposure is not None
        assert exposure.what.startswith(f'"{folder}" can be written by Users')

    def test_a_folder_that_others_can_replace_is_exposed(self, windows: FakeWindows, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        windows.files = {str(tmp_path): descriptor(SYSTEM, (BOB, FULL)), str(folder): descriptor(SYSTEM)}
        exposure = access.exposed_folder(str(folder))
        assert exposure is not None
        assert exposure.what.startswith(f'"{tmp_path}" can be written by {BOB}')

    def test_a_new_folder_is_made_private(self, windows: FakeWindows, tmp_path: Path) -> None:
        access.make_private_folder(str(tmp_path / "new"))
        ((name, _),) = windows.made
        assert name == str(tmp_path / "new")

    @pytest.mark.parametrize("somebody_makes", ["a folder", "a file"])
    def test_a_folder_that_somebody_makes_at_this_moment_is_taken_as_it_is(
        self, windows: FakeWindows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somebody_makes: str
    ) -> None:
        place = tmp_path / "new"

        def late(_folder: str) -> None:
            place.mkdir() if somebody_makes == "a folder" else place.touch()
            raise FileExistsError(str(place))

        monkeypatch.setattr(access_lists, "make_private", late)
        if somebody_makes == "a folder":
            access.make_private_folder(str(place))
        else:
            with pytest.raises(FileExistsError):
                access.make_private_folder(str(place))


def test_a_file_that_goes_while_it_is_looked_at_is_not_there(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes the log and its index away when the last process closes the ledger."""
    monkeypatch.setattr(access, "_WINDOWS", True)
    windows.error = 2
    assert access._on_windows("C:\\ledger.db-shm", WRITE, inherited=True) is None


class TestANewFolder:
    def test_is_for_system_administrators_and_its_owner(self, windows: FakeWindows) -> None:
        access_lists.make_private("C:\\ProgramData\\cni-hns")
        ((name, spelled),) = windows.made
        assert name == "C:\\ProgramData\\cni-hns"
        assert spelled == b"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
        assert windows.open == []

    @pytest.mark.parametrize(("error", "kind"), [(183, FileExistsError), (5, OSError)])
    def test_that_cannot_be_made_is_an_error(
        self, windows: FakeWindows, error: int, kind: type[OSError]
    ) -> None:
        windows.error = error
        with pytest.raises(kind, match=f"Win32 error {error}"):
            access_lists.make_private("C:\\ProgramData\\cni-hns")
        assert windows.open == []

    def test_is_not_made_without_its_list(self, windows: FakeWindows) -> None:
        windows.spelling_fails = True
        with pytest.raises(OSError, match="Win32 error"):
            access_lists.make_private("C:\\ProgramData\\cni-hns")
        assert windows.made == []


@pytest.mark.skipif(os.name != "nt", reason="asks Windows itself")
def test_windows_gives_a_new_folder_the_list_it_was_asked_for(tmp_path: Any) -> None:
    folder = str(tmp_path / "made")
    access_lists.make_private(folder)
    assert others(folder, WRITE, inherited=True) == []
    assert access.exposed_folder(folder) is None
