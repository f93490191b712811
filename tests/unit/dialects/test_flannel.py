"""flannel as meta plugin: its delegate is checked as flannel hands it on, its own object by what it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cni_hns.dialects.file_plugins import plugins_of
from cni_hns.dialects.lint import findings_of

CAPABILITIES = {"portMappings": True, "dns": True}
DELEGATE = {"type": "win-bridge", "apiVersion": 2}


@pytest.fixture
def subnet_file(tmp_path: Path) -> Path:
    """What flannel's daemon writes on a node."""
    file = tmp_path / "subnet.env"
    file.write_text(
        "FLANNEL_NETWORK=10.250.0.0/16\nFLANNEL_SUBNET=10.250.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
    )
    return file


def flannel(file: Path | str = "/nowhere/subnet.env", **changes: Any) -> dict[str, Any]:
    plugin = {"type": "flannel", "subnetFile": str(file), "capabilities": CAPABILITIES, "delegate": DELEGATE}
    return {"name": "cbr0", "cniVersion": "0.3.1", **plugin, **changes}


def listed(plugin: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in plugin.items() if key not in ("name", "cniVersion")}
    return {"name": plugin["name"], "cniVersion": plugin["cniVersion"], "plugins": [inner]}


def faults(document: dict[str, Any]) -> dict[str, str]:
    return {each.path: each.message for each in findings_of(document) if each.severity != "note"}


def test_the_delegate_gets_what_flannel_adds(subnet_file: Path) -> None:
    (plugin,) = plugins_of(flannel(subnet_file))
    assert plugin.config == {
        **DELEGATE,
        "name": "cbr0",
        "cniVersion": "0.3.1",
        "ipMasq": True,
        "ipMasqNetwork": "10.250.0.0/16",
        "ipam": {"type": "host-local", "subnet": "10.250.7.0/24"},
        "capabilities": CAPABILITIES,
    }


def test_without_a_delegate_it_is_win_bridge(subnet_file: Path) -> None:
    (plugin,) = plugins_of(flannel(subnet_file, delegate=None))
    assert plugin.config["type"] == "win-bridge"


@pytest.mark.parametrize("as_list", [False, True], ids=["single object", "list"])
def test_a_sound_file_has_no_faults(subnet_file: Path, as_list: bool) -> None:
    document = flannel(subnet_file)
    assert findings_of(listed(document) if as_list else document) == []


def test_without_the_daemons_file_a_note_names_what_stands_in() -> None:
    (note,) = findings_of(flannel())
    assert (note.path, note.severity) == ("subnetFile", "note")
    assert "/nowhere/subnet.env" in note.message
    assert "10.244.0.0/24" in note.message


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        pytest.param({"delegate": {**DELEGATE, "name": "x"}}, "delegate.name", "refuses", id="name"),
        pytest.param({"delegate": {**DELEGATE, "ipam": {}}}, "delegate.ipam", "refuses", id="ipam"),
        pytest.param({"delegate": []}, "delegate", "an object is expected", id="no object"),
        pytest.param({"delegate": {"type": "bridge"}}, "delegate.type", "no build", id="not ours"),
        pytest.param(
            {"delegate": {**DELEGATE, "Policies": [{"Name": "EndpointPolicy", "Value": {"Type": "x"}}]}},
            "delegate.Policies[0]",
            '"x"',
            id="a policy",
        ),
        pytest.param(
            {"delegate": {**DELEGATE, "capabilities": CAPABILITIES}},
            "delegate.capabilities",
            "beside delegate",
            id="capabilities inside",
        ),
        pytest.param(
            {"capabilities": {"dns": True}}, "capabilities.portMappings", "not declared", id="outer"
        ),
        pytest.param({"delegate": {**DELEGATE, "network": {}}}, "delegate.network", "joins", id="native key"),
    ],
)
def test_what_is_wrong_has_its_place_in_flannels_object(
    subnet_file: Path, changes: dict[str, Any], path: str, words: str
) -> None:
    document = flannel(subnet_file, **changes)
    for found, place in ((faults(document), path), (faults(listed(document)), f"plugins[0].{path}")):
        assert list(found) == [place]
        assert words in found[place]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("FLANNEL_NETWORK=10.250.0.0/16\n", "has no FLANNEL_SUBNET", id="a line is missing"),
        pytest.param("FLANNEL_SUBNET=10.250.7.1\n", "FLANNEL_SUBNET in", id="no prefix"),
    ],
)
def test_a_daemons_file_that_flannel_refuses_is_an_error(subnet_file: Path, text: str, words: str) -> None:
    subnet_file.write_text(text)
    assert any(
        words in each.message for each in findings_of(flannel(subnet_file)) if each.path == "subnetFile"
    )


def test_a_subnet_that_is_too_small_is_told_by_the_line_of_the_daemons_file(subnet_file: Path) -> None:
    subnet_file.write_text(subnet_file.read_text().replace("10.250.7.1/24", "10.250.7.1/31"))
    assert f"FLANNEL_SUBNET in {subnet_file}" in faults(flannel(subnet_file))
