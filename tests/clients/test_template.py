"""The way without an agent: containerd itself makes the configuration of our template, from the podCIDRs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.dialects.lint import check_file_text
from tests.clients.containerd_host import Containerd, containerd
from tests.harness import SimulatedNode
from tests.lane import Lane

TEMPLATE = Path(__file__).parent.parent.parent / "conf" / "kubernetes" / "cni-hns.template"


@pytest.fixture
def host(tmp_path: Path, node: SimulatedNode, lane: Lane) -> Iterator[Containerd]:
    """A running containerd whose folder of configurations is empty."""
    if os.geteuid() != 0:
        pytest.skip("containerd makes network namespaces and mounts: only root may")
    with containerd(tmp_path / "containerd", node, lane, template=TEMPLATE) as running:
        yield running


def configurations(host: Containerd) -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in (host.folder / "net.d").iterdir()}


@pytest.mark.parametrize(
    "prefixes",
    [
        pytest.param(["10.244.3.0/24"], id="one family"),
        pytest.param(["10.244.3.0/24", "fd00:244:0:3::/64"], id="dual stack"),
    ],
)
def test_the_network_has_the_nodes_prefixes_and_the_file_is_sound(
    host: Containerd, prefixes: list[str]
) -> None:
    assert configurations(host) == {}
    host.tell_pod_cidrs(*prefixes)
    ((name, made),) = configurations(host).items()
    assert name == "10-containerd-net.conflist"
    (plugin,) = made["plugins"]
    assert [one["prefix"] for one in plugin["network"]["subnets"]] == prefixes
    text = (host.folder / "net.d" / name).read_text()
    assert [one for one in check_file_text(text, name) if one.severity == "error"] == []


def test_a_file_that_is_there_is_never_written_again(host: Containerd) -> None:
    """The limit that the documentation names: another podCIDR has to be brought in by hand."""
    host.tell_pod_cidrs("10.244.3.0/24")
    before = configurations(host)
    host.tell_pod_cidrs("10.244.7.0/24")
    assert configurations(host) == before
