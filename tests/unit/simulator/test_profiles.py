"""Profiles: nodes by name, and the HNS versions that they are of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator import PROFILES, Simulator, UnknownProfile, open_simulator
from cni_hns.simulator.core.options import OPTIONS
from cni_hns.simulator.core.versions import RELEASES, has_feature
from tests.unit.simulator.caller import Caller, Failed, code

DOCUMENT = Path(__file__).parents[3] / "docs" / "simulator.md"


def _balancer(*endpoints: str) -> dict[str, Any]:
    mapping = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 80}
    return {
        "HostComputeEndpoints": list(endpoints),
        "SourceVIP": "10.0.0.1",
        "FrontendVIPs": ["10.96.0.10"],
        "PortMappings": [mapping],
    }


def _becomes(simulator: Simulator, profile: str) -> None:
    open_simulator(simulator.folder, profile).close()


class TestNames:
    @pytest.mark.parametrize("profile", PROFILES)
    def test_a_node_has_the_version_of_its_name(self, tmp_path: Path, profile: str) -> None:
        node = Simulator(str(tmp_path), profile=profile)
        assert node.options.version == PROFILES[profile].hns
        node.close()

    def test_an_unknown_name_is_an_error_that_names_the_known(self, tmp_path: Path) -> None:
        with pytest.raises(
            UnknownProfile, match=r"server-2012; there are server-2019, .*server-2025-updated"
        ):
            Simulator(str(tmp_path), profile="server-2012")
        assert not list(tmp_path.iterdir())

    def test_an_option_beside_the_name_prevails(self, tmp_path: Path) -> None:
        node = Simulator(str(tmp_path), profile="server-2019", hns_version="9.5")
        assert node.options.version == (9, 5)
        assert node.options.first_lb_delete_hresult == 0x80004005
        node.close()

    def test_a_node_without_a_name_is_the_newest(self) -> None:
        *_, newest = PROFILES.values()
        assert {name: OPTIONS[name][0] for name in newest.options} == newest.options

    def test_a_node_that_takes_another_name_keeps_nothing_of_the_last(self, tmp_path: Path) -> None:
        Simulator(str(tmp_path), profile="server-2019").close()
        kept = open_simulator(str(tmp_path))
        assert kept.options.version == (9, 3)  # a name holds until another is given
        other = open_simulator(str(tmp_path), "server-2022")
        for node in (kept, other):
            assert (node.options.version, node.options.first_lb_delete_hresult) == ((13, 3), 0)
            node.close()

    def test_all_set_the_same_options(self) -> None:
        first, *others = (set(profile.options) for profile in PROFILES.values())
        assert all(other == first for other in others)
        assert first <= set(OPTIONS)


class TestFaults:
    """What a name promises besides a version."""

    @pytest.mark.parametrize(
        ("profile", "applied"),
        [("server-2025", False), ("server-2025-updated", True)],
    )
    def test_as_shipped_2025_says_that_a_balancer_was_changed_and_does_not_change_it(
        self, caller: Caller, simulator: Simulator, profile: str, applied: bool
    ) -> None:
        _becomes(simulator, profile)
        network = caller.network("Overlay")
        first, second = caller.endpoint(network), caller.endpoint(network)
        guid = caller.create("LoadBalancer", _balancer(first))
        caller.modify("LoadBalancer", guid, _balancer(first, second))
        expected = [first, second] if applied else [first]
        assert caller.get("LoadBalancer", guid)["HostComputeEndpoints"] == expected

    @pytest.mark.parametrize(("profile", "tries"), [("server-2019", 2), ("server-2022", 1)])
    def test_2019_may_fail_the_first_delete_of_a_balancer(
        self, caller: Caller, simulator: Simulator, profile: str, tries: int
    ) -> None:
        _becomes(simulator, profile)
        guid = caller.create("LoadBalancer", _balancer(caller.endpoint(caller.network("Overlay"))))
        for _ in range(tries - 1):
            with pytest.raises(Failed, match=code(0x80004005)):
                caller.delete("LoadBalancer", guid)
        caller.delete("LoadBalancer", guid)

    @pytest.mark.parametrize(("profile", "taken"), [("server-2019", True), ("server-2022", False)])
    def test_2019_takes_what_is_no_prefix(
        self, caller: Caller, simulator: Simulator, profile: str, taken: bool
    ) -> None:
        _becomes(simulator, profile)
        policy = {"Type": "OutBoundNAT", "Settings": {"Destinations": ["<nil>"]}}
        if taken:
            caller.endpoint(caller.network(), Policies=[policy])
        else:
            with pytest.raises(Failed, match=code(0x803B000D)):
                caller.endpoint(caller.network(), Policies=[policy])


class TestVersions:
    def test_every_profile_is_of_a_version_that_was_seen(self) -> None:
        assert {profile.hns for profile in PROFILES.values()} <= set(RELEASES)

    def test_16_0_has_what_15_4_has(self) -> None:
        from cni_hns.simulator.core.versions import FEATURES

        assert [
            name for name in FEATURES if has_feature(name, (15, 4)) and not has_feature(name, (16, 0))
        ] == []
        assert has_feature("ModifyLoadBalancer", (16, 0))

    def test_an_object_tells_the_version_that_made_it(self, caller: Caller, simulator: Simulator) -> None:
        _becomes(simulator, "server-2025-updated")
        network = caller.get("Network", caller.network())
        assert network["Version"] == 68719476736

    def test_the_documentation_lists_them_with_what_is_known(self) -> None:
        told = {
            (int(major), int(minor)): (windows, known)
            for major, minor, windows, known in re.findall(
                r"^\| (\d+)\.(\d+) \| (.*?) \| (.*?) ?\|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
            )
        }
        assert told == {version: tuple(release) for version, release in RELEASES.items()}

    def test_the_documentation_lists_the_profiles(self) -> None:
        rows = re.findall(
            r"^\| (server-\S+) \| (.*?) \| (.*?) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert rows == [
            (name, ".".join(map(str, profile.hns)), str(profile.build)) for name, profile in PROFILES.items()
        ]
