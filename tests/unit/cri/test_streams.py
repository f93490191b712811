"""Which endpoints there are."""

from __future__ import annotations

import sys

import pytest

from cni_hns.cri.faults import CriFault
from cni_hns.cri.streams import stream_to


@pytest.mark.parametrize(
    "endpoint", ["unix:///run/containerd/containerd.sock", "/run/containerd/containerd.sock"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")
def test_a_path_is_a_unix_socket(endpoint: str) -> None:
    with pytest.raises(FileNotFoundError):
        stream_to(endpoint.replace("/run", "/nowhere"))(1.0)


@pytest.mark.parametrize(
    "endpoint",
    [
        "npipe:////./pipe/containerd-containerd",
        r"\\.\pipe\containerd-containerd",
        "//./pipe/containerd-containerd",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="it would be opened")
def test_a_pipe_is_known_and_only_windows_has_it(endpoint: str) -> None:
    with pytest.raises(CriFault, match="only Windows has named pipes"):
        stream_to(endpoint)(1.0)


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            "",
            "unix://",
            "unix://relative",
            "relative",
            "tcp://127.0.0.1:3735",
            "npipe://",
            "npipe:////./pipe/",
        ),
        *("npipe:////server/pipe/x", "unix:////./pipe/x", "npipe:///run/x.sock", r"C:\pipe"),
    ],
)
def test_anything_else_is_refused(endpoint: str) -> None:
    """A pipe of another machine is none either: nothing here may go over the network."""
    with pytest.raises(CriFault, match="is no endpoint of a runtime"):
        stream_to(endpoint)
