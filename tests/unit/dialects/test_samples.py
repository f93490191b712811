"""Every sample in conf/ compiles, has no findings, and covers what it is there to show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.dialects.build import examine
from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.lint import check_file_text
from cni_hns.hcn.models.objects import HostComputeNetwork

from .hcn_documents import hold

FOLDER = Path(__file__).parents[3] / "conf"
FILES = sorted(path.name for path in FOLDER.glob("*.conf*"))


def plugin_of(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_text())
    if "plugins" in document:
        (plugin,) = document["plugins"]
        return {**plugin, "name": document["name"], "cniVersion": document["cniVersion"]}
    return document


@pytest.mark.parametrize("name", FILES)
def test_a_sample_compiles_without_findings(name: str) -> None:
    plan = compile_plan(plugin_of(name))
    found = check_file_text((FOLDER / name).read_bytes(), name)
    assert [finding for finding in found if finding.severity != "note"] == []
    if plan.network.create is not None:
        hold(HostComputeNetwork, plan.network.create)


def test_every_mode_and_dialect_has_a_sample() -> None:
    modes = {compile_plan(plugin_of(name)).network.mode for name in FILES if name.endswith(".conflist")}
    assert modes == {"l2bridge", "l2tunnel", "nat", "overlay", "transparent"}
    types = {plugin_of(name)["type"] for name in FILES}
    assert types == {"cni-hns", "win-bridge", "win-overlay", "nat", "sdnbridge", "sdnoverlay"}
    kinds = {compile_plan(plugin_of(name)).ipam.kind for name in FILES}
    assert kinds == {"builtin", "hns", "dhcp"}


def test_the_plain_sample_is_a_single_object_of_the_newest_version() -> None:
    document = json.loads((FOLDER / "l2bridge.conf").read_text())
    assert (document["cniVersion"], document["type"]) == ("1.1.0", "cni-hns")
    assert document["capabilities"] == {"portMappings": True, "dns": True}
    plan = examine(document).plan
    assert plan is not None
    assert plan.network.create is not None
    assert plan.network.subnets[0].gateway == "10.88.0.1"


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".conflist")])
def test_samples_to_install_are_readable_by_every_containerd(name: str) -> None:
    document = json.loads((FOLDER / name).read_text())
    assert (document["cniVersion"], document["cniVersions"]) == ("1.0.0", ["1.0.0", "1.1.0"])
    declared = document["plugins"][0]["capabilities"]
    assert declared["dns"]
    assert declared["bandwidth"]
