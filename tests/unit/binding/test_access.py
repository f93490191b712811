"""Whom a folder or file can be trusted to belong to, on both systems."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cni_hns.binding import access
from cni_hns.binding.access import exposed_file, exposed_folder, exposed_program, refused_log

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
needs_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="gives files away")
SOMEBODY = 54321

pytestmark = posix_only


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose parent is nobody else's either."""
    folder = tmp_path / "parent" / "folder"
    folder.mkdir(parents=True)
    for one in (folder, folder.parent):
        one.chmod(0o755)
    return folder


def words(exposure: access.Exposure | None) -> str:
    return "" if exposure is None else f"{exposure.what}; {exposure.next_step}"


class TestAFolder:
    @pytest.mark.parametrize("mode", [0o700, 0o755, 0o750, 0o500])
    def test_that_only_its_owner_writes_is_trusted(self, place: Path, mode: int) -> None:
        place.chmod(mode)
        assert exposed_folder(str(place)) is None

    @pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777, 0o702])
    def test_that_others_write_is_not(self, place: Path, mode: int) -> None:
        """Sticky or not: a name that is free is there for anybody."""
        place.chmod(mode)
        said = words(exposed_folder(str(place)))
        assert f'"{place}" can be written by others than its owner (mode {mode:04o})' in said
        assert f'chmod go-w "{place}"' in said

    @needs_root
    def test_of_another_user_is_not(self, place: Path) -> None:
        os.chown(place, SOMEBODY, 0)
        said = words(exposed_folder(str(place)))
        assert f'"{place}" can be written by user {SOMEBODY}, its owner' in said
        assert f'chown 0 "{place}"' in said

    @needs_root
    def test_of_root_is_trusted_by_another_user(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
        assert exposed_folder(str(place)) is None

    @pytest.mark.parametrize(("mode", "is_trusted"), [(0o1777, True), (0o777, False), (0o775, False)])
    def test_is_as_safe_as_its_place_in_the_parent(self, place: Path, mode: int, is_trusted: bool) -> None:
        """Who may rename it puts another one there; a sticky parent, as /tmp is, lets nobody."""
        place.parent.chmod(mode)
        assert (exposed_folder(str(place)) is None) is is_trusted
        if not is_trusted:
            assert f'"{place.parent}" can be written' in words(exposed_folder(str(place)))

    def test_that_is_a_link_is_not(self, place: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(place)
        assert "is a link; name the folder that it leads to" in words(exposed_folder(str(tmp_path / "link")))

    def test_that_is_not_there_is_nothing_to_object_to(self, place: Path) -> None:
        assert exposed_folder(str(place / "nothing")) is None

    def test_is_made_for_its_owner_alone(self, place: Path) -> None:
        made = place / "deep" / "made"
        access.make_private_folder(str(made))
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert exposed_folder(str(made)) is None

    def test_that_is_there_keeps_its_access(self, place: Path) -> None:
        place.chmod(0o777)
        access.make_private_folder(str(place))
        assert stat.S_IMODE(place.stat().st_mode) == 0o777


class TestAFile:
    def test_that_only_its_owner_writes_is_trusted(self, place: Path) -> None:
        (place / "file").touch(0o644)
        assert exposed_file(str(place / "file")) is None

    @pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
    def test_that_others_write_is_not(self, place: Path, mode: int) -> None:
        (place / "file").touch()
        (place / "file").chmod(mode)
        assert "can be written by others than its owner" in words(exposed_file(str(place / "file")))

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            pytest.param(lambda path: path.symlink_to("/etc/hosts"), "is a link", id="link"),
            pytest.param(lambda path: path.symlink_to("nowhere"), "is a link", id="link to nothing"),
            pytest.param(lambda path: path.mkdir(), "is no regular file", id="folder"),
            pytest.param(os.mkfifo, "is no regular file", id="pipe"),
        ],
    )
    def test_that_is_none_is_not(self, place: Path, make: Callable[[Path], None], what: str) -> None:
        make(place / "file")
        assert words(exposed_file(str(place / "file"))) == f'"{place / "file"}" {what}; take it away'

    def test_that_is_not_there_is_nothing_to_object_to(self, place: Path) -> None:
        assert exposed_file(str(place / "file")) is None


class TestAProgram:
    @pytest.fixture
    def program(self, place: Path) -> Path:
        (place / "program").touch(0o755)
        return place / "program"

    def test_that_only_its_owner_writes_is_trusted(self, program: Path) -> None:
        assert exposed_program(str(program)) is None

    def test_that_others_write_is_not(self, program: Path) -> None:
        program.chmod(0o777)
        assert "can be written" in words(exposed_program(str(program)))

    def test_beside_which_others_write_is_not(self, program: Path) -> None:
        program.parent.chmod(0o777)
        assert f'"{program.parent}" can be written' in words(exposed_program(str(program)))

    @pytest.mark.parametrize("is_safe", [True, False])
    def test_behind_a_link_is_what_the_link_leads_to(
        self, program: Path, tmp_path: Path, is_safe: bool
    ) -> None:
        """Packages lay plugins down as links."""
        (tmp_path / "bin").mkdir(mode=0o755)
        (tmp_path / "bin" / "program").symlink_to(program)
        (tmp_path / "linked").symlink_to(tmp_path / "bin")
        if not is_safe:
            program.parent.chmod(0o777)
        assert (exposed_program(str(tmp_path / "bin" / "program")) is None) is is_safe
        assert (exposed_program(str(tmp_path / "linked" / "program")) is None) is is_safe


class TestALog:
    def test_gets_its_folder(self, place: Path) -> None:
        assert refused_log(str(place / "logs" / "log.jsonl")) == ""
        assert stat.S_IMODE((place / "logs").stat().st_mode) & 0o022 == 0

    def test_that_is_there_is_appended_to(self, place: Path) -> None:
        (place / "log.jsonl").touch(0o644)
        assert refused_log(str(place / "log.jsonl")) == ""

    def test_in_a_folder_that_others_write_is_refused(self, place: Path) -> None:
        place.chmod(0o777)
        assert f'"{place}" can be written' in refused_log(str(place / "log.jsonl"))

    def test_that_is_a_link_is_refused(self, place: Path) -> None:
        (place / "log.jsonl").symlink_to("/etc/hosts")
        assert "is a link" in refused_log(str(place / "log.jsonl"))

    def test_whose_folder_cannot_be_made_is_refused(self, place: Path) -> None:
        (place / "file").touch()
        assert "cannot be made" in refused_log(str(place / "file" / "logs" / "log.jsonl"))


@pytest.mark.parametrize(
    ("tag", "is_one"),
    [
        pytest.param(0xA000_000C, True, id="symbolic link"),
        pytest.param(0xA000_0003, True, id="junction"),
        pytest.param(0x8000_0013, False, id="deduplicated file"),
        pytest.param(0, False, id="plain"),
    ],
)
def test_links_of_windows_are_told_by_their_tag(tag: int, is_one: bool) -> None:
    class Status:
        st_mode = stat.S_IFREG
        st_reparse_tag = tag

    assert access.is_link(Status()) is is_one  # type: ignore[arg-type]
