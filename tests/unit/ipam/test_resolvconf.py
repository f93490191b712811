"""The DNS settings of a resolv.conf file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cni_hns.cni.errors import CniError
from cni_hns.ipam.resolvconf import read


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param(
            "nameserver 10.0.0.10\nnameserver fd00::10\r\n",
            {"nameservers": ["10.0.0.10", "fd00::10"]},
            id="servers",
        ),
        pytest.param("domain one\ndomain two", {"domain": "two"}, id="the last domain counts"),
        pytest.param("search a.b c.d", {"search": ["a.b", "c.d"]}, id="search"),
        pytest.param("options ndots:5 rotate", {"options": ["ndots:5", "rotate"]}, id="options"),
        pytest.param("# nameserver 1.1.1.1\n; search a\n\nnameserver", {}, id="comments and half lines"),
        pytest.param(
            "\ufeffnameserver 10.0.0.10 # ours", {"nameservers": ["10.0.0.10"]}, id="as Windows editors write"
        ),
        pytest.param("sortlist 1.2.3.4\ndomain", {}, id="other words"),
    ],
)
def test_is_read_as_host_local_reads_it(tmp_path: Path, text: str, changes: dict[str, object]) -> None:
    (tmp_path / "resolv.conf").write_text(text, encoding="utf-8")
    empty: dict[str, object] = {"nameservers": [], "domain": "", "search": [], "options": []}
    assert read(str(tmp_path / "resolv.conf")) == {**empty, **changes}


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CniError, match="cannot be read") as fault:
        read(str(tmp_path / "resolv.conf"))
    assert fault.value.code == 5


def test_what_a_link_leads_to_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("domain a")
    (tmp_path / "resolv.conf").symlink_to("file")
    assert read(str(tmp_path / "resolv.conf"))["domain"] == "a"


def test_up_to_64_kilobytes_are_read(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("domain a\n" + "#" * (65536 - 9))
    assert read(str(file))["domain"] == "a"
    file.write_text("domain a\n" + "#" * (65537 - 9))
    with pytest.raises(CniError, match=rf'"{file}" cannot be read: it is longer than 65536 bytes') as fault:
        read(str(file))
    assert fault.value.code == 5


class TestWhatIsNoFile:
    """It is refused at once, though nobody writes to the pipe and a device never ends."""

    @pytest.fixture(params=["pipe", "folder", "/dev/zero", "/dev/tty", "socket"])
    def path(self, request: pytest.FixtureRequest, tmp_path: Path) -> str:
        path = tmp_path / "resolv.conf"
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "folder":
            path.mkdir()
        elif request.param == "socket":
            os.mknod(path, 0o140600)
        else:
            return str(request.param)
        return str(path)

    @pytest.mark.parametrize("linked", [False, True], ids=["itself", "behind a link"])
    def test_is_an_error(self, path: str, tmp_path: Path, linked: bool) -> None:
        if linked:
            (tmp_path / "link").symlink_to(path)
            path = str(tmp_path / "link")
        with pytest.raises(CniError, match=f'"{path}" cannot be read: it is no regular file') as fault:
            read(path)
        assert fault.value.code == 5

    def test_is_an_error_where_it_takes_the_files_place_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, pipe = tmp_path / "resolv.conf", tmp_path / "pipe"
        file.write_text("domain a")
        os.mkfifo(pipe)
        really_open = os.open
        monkeypatch.setattr(os, "open", lambda _path, flags: really_open(pipe, flags))
        with pytest.raises(CniError, match="it is no regular file"):
            read(str(file))

    def test_is_a_name_that_no_file_can_have(self) -> None:
        with pytest.raises(CniError, match="cannot be read") as fault:
            read("/etc/resolv\0conf")
        assert fault.value.code == 5
