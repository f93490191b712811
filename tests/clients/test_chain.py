"""Our plugin in a list with another one: the result is handed on, and each gets back what the list made.

The other is a small program of ours (tests/clients/chained), which needs nothing of a kernel, or the released
portmap, which without port mappings only reads our result and hands it on.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.clients.host import Host, Ran
from tests.harness import l2bridge

OURS = {key: value for key, value in l2bridge().items() if key not in ("name", "cniVersion")}
TAP = {"name": "tap0", "mac": "02:00:00:00:00:aa"}
ROUTE = {"dst": "198.51.100.0/24", "gw": "10.88.0.7"}
# What the other plugin makes where it is the first.
FIRST: dict[str, Any] = {
    "interfaces": [TAP],
    "ips": [{"address": "203.0.113.5/32", "interface": 0}],
    "routes": [ROUTE],
}


class Call(NamedTuple):
    """One call of the other plugin, as it noted it."""

    variables: dict[str, str]
    config: dict[str, Any]

    @property
    def command(self) -> str:
        return self.variables["CNI_COMMAND"]


class List:
    """A list on a host with our plugin and the other, and a namespace to attach."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.namespace = host.node.namespace()
        self.notes = host.folder / "notes"
        self.notes.mkdir()
        host.install("chained")

    def other(self, **settings: Any) -> dict[str, Any]:
        return {"type": "chained", "notes": self.host.path(self.notes), **settings}

    def of(self, *plugins: dict[str, Any], version: str = "1.1.0") -> List:
        self.host.configure({"cniVersion": version, "name": "pods", "plugins": list(plugins)})
        return self

    def __call__(self, verb: str) -> Ran:
        return self.host.cnitool(verb, "pods", self.namespace)

    def succeeds(self, verb: str) -> Ran:
        ran = self(verb)
        assert ran.exit_code == 0, ran
        return ran

    def fails(self, verb: str, *words: str) -> None:
        ran = self(verb)
        assert ran.exit_code == 1
        assert [word for word in words if word not in ran.stderr] == [], ran.stderr

    @property
    def calls(self) -> list[Call]:
        """What the other plugin got, in order."""
        return [Call(**json.loads(file.read_text())) for file in sorted(self.notes.glob("*.json"))]

    @property
    def last(self) -> Call:
        return self.calls[-1]

    def assert_has_our_part(self, result: dict[str, Any], at: int) -> None:
        """The result says of our interface, at this place of the list, what HNS has."""
        (endpoint,) = self.host.node.endpoints()
        ours = result["interfaces"][at]
        assert (ours["name"], ours["mac"]) == ("eth0", endpoint.mac.lower().replace("-", ":"))
        assert ours["sandbox"].endswith(self.namespace)
        (address,) = [one["address"] for one in result["ips"] if one.get("interface") == at]
        assert address == "/".join(map(str, endpoint.addresses[0]))


@pytest.fixture
def plugins(host: Host) -> List:
    return List(host)


class TestFirstInTheList:
    """The other plugin works on what we made."""

    def test_our_result_is_handed_on(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other(adds={"interfaces": [TAP], "routes": [ROUTE]}))
        result = plugins.succeeds("add").document
        handed = plugins.last.config["prevResult"]
        plugins.assert_has_our_part(handed, at=0)
        plugins.assert_has_our_part(result, at=0)
        assert result["interfaces"] == [*handed["interfaces"], TAP]
        assert result["routes"] == [*handed.get("routes", []), ROUTE]

    def test_check_gets_the_result_of_the_whole_list(self, plugins: List) -> None:
        """What the other added behind ours is no difference."""
        plugins.of(OURS, plugins.other(adds={"interfaces": [TAP], "routes": [ROUTE]}))
        result = plugins.succeeds("add").document
        plugins.succeeds("check")
        assert plugins.last.command == "CHECK"
        assert plugins.last.config["prevResult"] == result

    def test_a_wrong_endpoint_is_found_before_the_other_is_asked(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other())
        plugins.succeeds("add")
        (endpoint,) = plugins.host.node.endpoints()
        plugins.host.node.hcn.endpoints.delete(endpoint.id)
        plugins.fails("check", endpoint.id, "does not exist")
        assert plugins.last.command == "ADD"
        plugins.succeeds("del")

    def test_del_runs_backwards_with_the_result(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other(adds={"interfaces": [TAP]}))
        result = plugins.succeeds("add").document
        plugins.succeeds("del")
        assert plugins.last.command == "DEL"
        assert plugins.last.config["prevResult"] == result
        plugins.host.assert_clean()
        plugins.succeeds("del")
        assert "prevResult" not in plugins.last.config
        assert [call.command for call in plugins.calls] == ["ADD", "DEL", "DEL"]

    def test_a_failing_add_behind_ours_is_cleaned_up(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other(fails={"ADD": {"code": 121, "msg": "the tap is taken"}}))
        plugins.fails("add", "the tap is taken")
        assert len(plugins.host.node.endpoints()) == 1, "it is for the runtime to send DEL"
        plugins.succeeds("del")
        plugins.host.assert_clean()

    def test_a_failing_del_behind_ours_ends_in_a_later_one(self, plugins: List) -> None:
        """libcni stops at it: ours is not asked, and keeps what it has."""
        plugins.of(OURS, plugins.other(fails={"DEL": {"code": 121, "msg": "the tap is busy"}}))
        plugins.succeeds("add")
        plugins.fails("del", "the tap is busy")
        assert len(plugins.host.node.endpoints()) == 1
        plugins.of(OURS, plugins.other())
        plugins.succeeds("del")
        plugins.host.assert_clean()

    def test_a_repeated_add_hands_the_same_on(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other(adds={"interfaces": [TAP]}))
        assert plugins.succeeds("add") == plugins.succeeds("add")
        first, second = plugins.calls
        assert first.config["prevResult"] == second.config["prevResult"]

    def test_gc_and_status_reach_both(self, plugins: List) -> None:
        plugins.of(OURS, plugins.other())
        plugins.succeeds("add")
        plugins.succeeds("status")
        for file in plugins.host.cached_results():
            file.unlink()
        plugins.succeeds("gc")
        assert [call.command for call in plugins.calls] == ["ADD", "STATUS", "GC"]
        plugins.host.assert_clean()


class TestSecondInTheList:
    """We add to what is there."""

    @pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
    def test_what_was_handed_on_stays(self, plugins: List, version: str) -> None:
        (address,) = FIRST["ips"]
        shaped = {**address, "version": "4"} if version < "1.0.0" else address
        plugins.of(plugins.other(adds={**FIRST, "ips": [shaped]}), OURS, version=version)
        result = plugins.succeeds("add").document
        assert result["interfaces"][0] == TAP
        assert result["ips"][0] == shaped
        assert ROUTE in result["routes"]
        plugins.assert_has_our_part(result, at=1)
        assert result["cniVersion"] == version
        if version >= "0.4.0":
            plugins.succeeds("check")
            assert plugins.last.config["prevResult"] == result
        for _ in range(2):
            plugins.succeeds("del")
        plugins.host.assert_clean()

    def test_a_result_without_anything_is_enough(self, plugins: List) -> None:
        plugins.of(plugins.other(), OURS)
        plugins.assert_has_our_part(plugins.succeeds("add").document, at=0)
        plugins.succeeds("check")

    def test_ours_goes_first_in_a_del(self, plugins: List) -> None:
        """libcni stops at the failure of the other, which comes after us: of ours nothing is left."""
        plugins.of(plugins.other(adds=FIRST, fails={"DEL": {"code": 121, "msg": "the tap is busy"}}), OURS)
        plugins.succeeds("add")
        plugins.fails("del", "the tap is busy")
        plugins.host.node.assert_clean()
        plugins.of(plugins.other(adds=FIRST), OURS)
        plugins.succeeds("del")
        plugins.host.assert_clean()

    def test_a_refused_add_of_ours_leaves_nothing(self, plugins: List) -> None:
        plugins.host.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        plugins.of(plugins.other(adds=FIRST), OURS)
        plugins.fails("add", "0x80004005")
        plugins.host.node.assert_clean()
        plugins.succeeds("del")
        plugins.host.assert_clean()

    def test_between_two_others(self, plugins: List) -> None:
        plugins.of(plugins.other(adds=FIRST), OURS, plugins.other(adds={"routes": [ROUTE]}))
        result = plugins.succeeds("add").document
        assert result["routes"] == [ROUTE, *result["routes"][1:-1], ROUTE]
        plugins.assert_has_our_part(result, at=1)
        plugins.succeeds("check")
        plugins.succeeds("del")
        assert [call.command for call in plugins.calls] == ["ADD", "ADD", "CHECK", "CHECK", "DEL", "DEL"]
        plugins.host.assert_clean()


class TestTwoOfOurs:
    """Two networks in one list, our plugin for both: each attachment needs an interface name of its own."""

    def test_are_refused_and_cleaned_up(self, plugins: List) -> None:
        plugins.of(OURS, {**OURS, "network": {**OURS["network"], "name": "second"}})
        plugins.fails("add", "exists for another request")
        plugins.succeeds("del")
        plugins.host.assert_clean()


@pytest.mark.parametrize("system", ["linux"], indirect=True)
class TestPortmap:
    """The released portmap is for Linux only; it parses our result strictly."""

    def test_behind_ours_it_hands_our_result_on(self, plugins: List) -> None:
        plugins.host.install("portmap")
        plugins.of(OURS, {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True})
        plugins.assert_has_our_part(plugins.succeeds("add").document, at=0)
        plugins.succeeds("check")
        for _ in range(2):
            plugins.succeeds("del")
        plugins.host.assert_clean()
