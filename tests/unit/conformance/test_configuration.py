"""Which part of a configuration file is the plugin's, and what it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.conformance import ConfigurationFault, PluginConfiguration, read_configuration

BRIDGE = {"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}
TUNING = {"type": "tuning", "capabilities": {"mac": True, "ips": False}}


def chosen(folder: Path, document: Any, program: str, **more: str) -> PluginConfiguration:
    path = folder / "net.conflist"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return read_configuration(str(path), program, **more)


def listed(*plugins: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": "net", "plugins": list(plugins), **members}


@pytest.mark.parametrize(
    ("program", "type_", "kind"),
    [
        pytest.param("/opt/cni/bin/bridge", "bridge", "interface", id="first of a list"),
        pytest.param(r"C:\cni\bin\Bridge.exe", "bridge", "interface", id="a Windows program"),
        pytest.param("/opt/cni/bin/host-local", "bridge", "ipam", id="the IPAM of one"),
        pytest.param("/opt/cni/bin/tuning", "tuning", "chained", id="a later one"),
    ],
)
def test_the_plugin_is_found_by_the_programs_name(
    tmp_path: Path, program: str, type_: str, kind: str
) -> None:
    found = chosen(tmp_path, listed(BRIDGE, TUNING), program)
    assert (found.plugin["type"], found.kind) == (type_, kind)


def test_a_single_plugin_needs_no_fitting_name(tmp_path: Path) -> None:
    found = chosen(tmp_path, {"cniVersion": "0.4.0", "name": "net", **BRIDGE}, "my-build")
    assert (found.kind, found.version) == ("interface", "0.4.0")


def test_options_choose_type_and_kind(tmp_path: Path) -> None:
    assert chosen(tmp_path, listed(BRIDGE, TUNING), "build", type_="tuning").plugin == TUNING
    assert chosen(tmp_path, listed(BRIDGE, TUNING), "tuning", kind="interface").kind == "interface"


@pytest.mark.parametrize(
    ("members", "version"),
    [
        ({"cniVersion": "0.4.0", "cniVersions": ["1.1.0", "0.3.1"]}, "1.1.0"),
        ({"cniVersion": "1.0.0", "cniVersions": ["1.0.0", "7.0.0"]}, "1.0.0"),
        ({"cniVersion": ""}, "0.1.0"),
        ({"cniVersion": "9.9.9"}, "9.9.9"),
    ],
    ids=["newest of both", "unknown ones are passed over", "none is the oldest", "only an unknown one"],
)
def test_the_version_is_the_one_that_libcni_selects(
    tmp_path: Path, members: dict[str, Any], version: str
) -> None:
    assert chosen(tmp_path, listed(BRIDGE, **members), "bridge").version == version


def test_the_request_is_the_plugins_part_with_name_and_version_of_the_list(tmp_path: Path) -> None:
    found = chosen(tmp_path, listed({**TUNING, "name": "own", "cniVersion": "0.1.0"}), "tuning")
    assert found.request("1.0.0") == {**TUNING, "name": "net", "cniVersion": "1.0.0"}
    assert found.request("1.0.0", {"mac": "x"})["runtimeConfig"] == {"mac": "x"}
    assert found.capabilities == {"mac"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"plugins": [BRIDGE]}, 'no "name"'),
        (listed(), '"plugins" is not a list of objects'),
        (listed(BRIDGE, TUNING), 'none of "portmap"'),
    ],
    ids=["not JSON", "no object", "no name", "no plugins", "none fits"],
)
def test_a_file_that_cannot_be_used_is_a_fault_that_says_why(
    tmp_path: Path, document: Any, words: str
) -> None:
    with pytest.raises(ConfigurationFault, match=words):
        chosen(tmp_path, document, "portmap")


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="cannot be read"):
        read_configuration(str(tmp_path / "none"), "bridge")
