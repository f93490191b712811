"""The DNS settings of a resolv.conf file."""

from __future__ import annotations

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
