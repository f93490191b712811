"""A build laid into a folder, replaced, damaged, interrupted and taken out again; no built exe is needed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cni_hns.cli.failure import Failure
from cni_hns.cli.install import files
from cni_hns.cli.install.layout import GRACE_S, PEER, exe_name, foresee, lay_down, remove
from cni_hns.cli.install.package import LAYOUT, Package, digest, read_package
from cni_hns.cli.install.records import LOCK, RECORDS, locked

NAME = exe_name("cni-hns")
BRIDGE = exe_name("win-bridge")


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], Package]:
    """A small build of this version, as build.spec leaves one."""

    def made(version: str) -> Package:
        source = tmp_path / f"build-{version}"
        (source / "sub").mkdir(parents=True)
        (source / "library").write_text(f"library {version}")
        (source / "sub" / "module").write_text(f"module {version}")
        listed = {path: digest(str(source / path)) for path in ("library", "sub/module")}
        document = {"version": version, "folder": f"_cni_hns-{version}-abc", "files": listed}
        (source / LAYOUT).write_text(json.dumps(document))
        (source / "exe").write_text(f"exe {version}")
        return read_package(str(source), str(source / "exe"))

    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bin"


def is_whole(folder: Path, package: Package, *names: str) -> bool:
    exes = [(folder / name).read_text() for name in names or (NAME,)]
    return exes == [f"exe {package.version}"] * len(exes) and not files.damaged(
        str(folder / package.folder), package.files
    )


def strays(folder: Path) -> list[str]:
    return sorted(
        path.name for path in folder.rglob("*") if files.NEW in path.name or files.ASIDE in path.name
    )


def test_everything_is_laid_down_and_a_second_install_has_nothing_to_do(
    build: Callable[[str], Package], folder: Path
) -> None:
    package = build("1")
    assert lay_down(package, str(folder), [NAME]) != []
    assert is_whole(folder, package)
    assert lay_down(package, str(folder), [NAME]) == []
    assert strays(folder) == []
    if os.name == "posix":
        assert (folder / NAME).stat().st_mode & 0o777 == 0o755


def test_a_dry_run_tells_the_steps_and_does_nothing(build: Callable[[str], Package], folder: Path) -> None:
    told = foresee(build("1"), str(folder), [NAME])
    assert [line.split()[:2] for line in told] == [["would", "lay"], ["would", "put"]]
    assert not folder.exists()


def test_the_old_contents_stay_until_no_verb_can_still_use_them(
    build: Callable[[str], Package], folder: Path
) -> None:
    one, two = build("1"), build("2")
    lay_down(one, str(folder), [NAME], now=1000)
    lay_down(two, str(folder), [NAME], now=2000)
    assert is_whole(folder, two)
    assert (folder / one.folder).is_dir()
    lay_down(two, str(folder), [NAME], now=2000 + GRACE_S - 1)
    assert (folder / one.folder).is_dir()
    lay_down(two, str(folder), [NAME], now=2000 + GRACE_S)
    assert not (folder / one.folder).exists()
    assert is_whole(folder, two)


def test_rolling_back_is_installing_the_older_build(build: Callable[[str], Package], folder: Path) -> None:
    one, two = build("1"), build("2")
    for package in (one, two, one):
        lay_down(package, str(folder), [NAME])
    assert is_whole(folder, one)


def test_a_damaged_or_missing_file_is_repaired(build: Callable[[str], Package], folder: Path) -> None:
    package = build("1")
    lay_down(package, str(folder), [NAME])
    (folder / package.folder / "library").write_text("damaged")
    (folder / package.folder / "sub" / "module").unlink()
    done = lay_down(package, str(folder), [NAME])
    assert len(done) == 2
    assert is_whole(folder, package)


def test_a_damaged_build_is_not_installed(build: Callable[[str], Package], folder: Path) -> None:
    package = build("1")
    Path(package.source, "library").write_text("damaged")
    with pytest.raises(Failure, match="not what was built"):
        lay_down(package, str(folder), [NAME])
    assert not (folder / NAME).exists()
    assert strays(folder) == []


def test_a_peers_exe_is_kept_aside_and_put_back(build: Callable[[str], Package], folder: Path) -> None:
    folder.mkdir()
    (folder / BRIDGE).write_text("the peer's")
    (folder / "host-local").write_text("not ours")
    for version in ("1", "2"):
        lay_down(build(version), str(folder), [NAME, BRIDGE] if version == "1" else [NAME])
    # A later install without --as replaces every name that is ours.
    assert [(folder / name).read_text() for name in (NAME, BRIDGE)] == ["exe 2", "exe 2"]
    assert (folder / (BRIDGE + PEER)).read_text() == "the peer's"
    assert remove(str(folder)).kept == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        BRIDGE: "the peer's",
        "host-local": "not ours",
    }


def test_uninstall_keeps_and_names_what_was_changed(build: Callable[[str], Package], folder: Path) -> None:
    package = build("1")
    lay_down(package, str(folder), [NAME, BRIDGE])
    (folder / BRIDGE).write_text("someone else's")
    (folder / package.folder / "library").write_text("changed")
    kept = remove(str(folder)).kept
    assert len(kept) == 2
    assert str(folder / BRIDGE) in kept[0]
    assert "library" in kept[1]
    assert not (folder / NAME).exists()
    assert (folder / BRIDGE).read_text() == "someone else's"
    assert (folder / RECORDS).exists()


def test_uninstall_says_what_it_would_do(build: Callable[[str], Package], folder: Path) -> None:
    package = build("1")
    lay_down(package, str(folder), [NAME])
    assert len(remove(str(folder), dry_run=True).done) == 2
    assert is_whole(folder, package)


def test_uninstall_without_an_install_says_so(folder: Path) -> None:
    with pytest.raises(Failure, match="nothing is installed"):
        remove(str(folder))


class Killed(BaseException):
    """The process ends here: what it does to files afterwards does not happen."""


@contextlib.contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first `step - 1` renames, replacements and written files happen, and nothing that follows."""
    left = step

    def counted(real: Callable[..., object], cost: int) -> Callable[..., object]:
        def call(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= cost
            if left <= 0:
                raise Killed
            return real(*arguments, **more)

        return call

    with monkeypatch.context() as patched:
        for function, cost in (("rename", 1), ("replace", 1), ("fsync", 1), ("unlink", 0), ("rmdir", 0)):
            patched.setattr(os, function, counted(getattr(os, function), cost))
        yield


@pytest.mark.parametrize("earlier", [None, "1"])
def test_killed_at_any_step_the_old_works_and_the_next_install_finishes(
    build: Callable[[str], Package], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: str | None
) -> None:
    old, new = build("1"), build("2")
    for step in range(1, 100):
        folder = tmp_path / f"bin-{step}"
        folder.mkdir()
        (folder / BRIDGE).write_text("the peer's")
        if earlier:
            lay_down(old, str(folder), [NAME])
        try:
            with killed_at(step, monkeypatch):
                lay_down(new, str(folder), [NAME, BRIDGE])
            break
        except Killed:
            pass
        if earlier:
            assert is_whole(folder, new if (folder / NAME).read_text() == "exe 2" else old)
        assert (folder / BRIDGE).read_text() in ("the peer's", "exe 2")
        lay_down(new, str(folder), [NAME, BRIDGE])
        assert is_whole(folder, new, NAME, BRIDGE)
        assert strays(folder) == []
        assert remove(str(folder)).kept == []
        assert {path.name: path.read_text() for path in folder.iterdir()} == {BRIDGE: "the peer's"}
    assert step > 10


@pytest.mark.parametrize("fails", [False, True], ids=["replaced", "put back"])
def test_a_running_exe_that_windows_does_not_replace_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """As Windows answers: no replacement of the file of a running exe, but it may be renamed."""
    source, target = tmp_path / "new.exe", tmp_path / "cni-hns.exe"
    source.write_text("new")
    target.write_text("old")
    rename, names = os.rename, (str(source), str(target), digest(str(source)))

    def renamed(old: str, new: str) -> None:
        if fails and old.endswith(files.NEW):
            raise PermissionError(errno.EACCES, "Access is denied", old)
        rename(old, new)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Access is denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "nt")
        patched.setattr(os, "replace", refused)
        patched.setattr(os, "rename", renamed)
        with pytest.raises(PermissionError) if fails else contextlib.nullcontext():
            files.put(*names)
    assert target.read_text() == ("old" if fails else "new")
    aside = [path.read_text() for path in tmp_path.iterdir() if files.ASIDE in path.name]
    assert aside == ([] if fails else ["old"])
    assert files.drop_left_over(str(tmp_path)) == []
    assert strays(tmp_path) == []


def test_a_full_disk_leaves_what_was_there(
    build: Callable[[str], Package], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = build("1"), build("2")
    lay_down(one, str(folder), [NAME])
    left = [3]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match=r"No space left on device.*still works"):
        lay_down(two, str(folder), [NAME])
    assert is_whole(folder, one)
    assert strays(folder) == []


def test_one_install_at_a_time(build: Callable[[str], Package], folder: Path) -> None:
    folder.mkdir()
    with locked(str(folder)), pytest.raises(Failure, match="another install"):
        lay_down(build("1"), str(folder), [NAME])
    lay_down(build("1b"), str(folder), [NAME])
    assert (folder / LOCK).exists()


def test_a_file_where_the_folder_should_be(build: Callable[[str], Package], folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(Failure, match="not installed"):
        lay_down(build("1"), str(folder), [NAME])


def test_damaged_records_are_an_error_and_no_guess(build: Callable[[str], Package], folder: Path) -> None:
    lay_down(build("1"), str(folder), [NAME])
    (folder / RECORDS).write_text("{")
    for call in (lambda: lay_down(build("2"), str(folder), [NAME]), lambda: remove(str(folder))):
        with pytest.raises(Failure, match="what was installed"):
            call()
