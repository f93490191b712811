"""The test beside the peers itself: what it tries, what it finds, and what its table says."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns import sample
from tests.differential.__main__ import _report, main
from tests.differential.cases import Case
from tests.differential.comparison import Difference, compared
from tests.differential.generated import generated
from tests.differential.pairs import pairwise
from tests.differential.picture import picture
from tests.differential.subject import NETWORK, PODS, Observed
from tests.differential.table import Pattern, Row, document, read, reason
from tests.differential.told import observed_by_row, told, told_cases
from tests.differential.trial import Trials, every
from tests.harness import ROOT
from tests.lane import Lane

PEERS = {"win-bridge", "win-overlay", "nat", "sdnbridge", "sdnoverlay"}
CASE = Case("win-bridge", {"ipam": "static"}, {"name": "pods0"}, None)


def seen(works: bool = True, **members: Any) -> dict[str, Any]:
    return {"works": works, **members}


class TestCases:
    def test_every_pair_of_values_is_tried(self) -> None:
        fields = {"one": ["a", "b", "c"], "two": ["d", "e"], "three": ["f", "g", "h"], "four": ["i", "j"]}
        rows = pairwise(fields)
        tried = {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)}
        wanted = {
            frozenset([(first, one), (second, other)])
            for first, second in combinations(fields, 2)
            for one in fields[first]
            for other in fields[second]
        }
        assert wanted <= tried
        assert len(rows) < 3 * 2 * 3 * 2
        assert rows == pairwise(fields)

    def test_there_are_at_least_150_of_the_peers_that_run(self) -> None:
        cases = list(generated())
        assert len(cases) >= 150
        assert {case.peer for case in cases} == {"win-bridge", "win-overlay"}

    def test_each_has_a_name_of_its_own_and_each_peer_has_some(self) -> None:
        cases = every()
        assert len({case.name for case in cases}) == len(cases)
        assert {case.peer for case in cases} == PEERS

    def test_each_sample_of_a_peer_is_among_them(self) -> None:
        files = {f"conf/{file.name}" for file in (ROOT / "conf").glob("*.conf")}
        tried = {value for case in every() for value in case.values.values()}
        # The first is our own dialect's; the pods of V1 have no namespace (tests/clients/test_win_bridge.py).
        assert files - tried == {"conf/l2bridge.conf", "conf/win-bridge-v1.conf"}

    def test_the_second_pod_has_host_ports_of_its_own(self) -> None:
        case = CASE._replace(runtime={"portMappings": [{"HostPort": 80}, {"hostPort": 81}]})
        assert case.request_of(1) == case.request
        mapped = case.request_of(2)["runtimeConfig"]["portMappings"]
        assert mapped == [{"HostPort": 1080}, {"hostPort": 1081}]

    def test_a_seed_draws_the_same_ones_each_time(self) -> None:
        cases = every()
        assert sample(cases, 20, seed=1) == sample(cases, 20, seed=1) != sample(cases, 20, seed=2)
        assert sample(cases, len(cases) + 1, seed=1) == cases


class TestPicture:
    def test_what_was_chosen_stands_in_words(self) -> None:
        endpoint = {
            "ID": "7D8E",
            "Name": f"{PODS[1]}_pods0",
            "HostComputeNetwork": NETWORK,
            "IpConfigurations": [{"IpAddress": "10.50.7.10", "PrefixLength": 24, "IpSubnetId": "x"}],
            "MacAddress": "00-15-5D-0A-0B-0C",
            "Policies": [],
        }
        answer = {"ips": [{"address": "10.50.7.10/24"}], "mac": "00:15:5d:0a:0b:0c", "dns": "10.50.7.100"}
        found = Observed(0, answer, [], {"endpoints": [endpoint], "networks": []}, {"10.50.7.10": PODS[1]})
        drawn = picture(found, "pods0", {})
        assert drawn["result"] == {
            "ips": [{"address": "the address of pod 1/24"}],
            "mac": "the MAC of pod 1, with colons",
            "dns": "10.50.7.100",
        }
        assert drawn["reserved"] == {"the address of pod 1": "pod 1"}
        assert drawn["endpoints"]["pod 1_pods0"]["HostComputeNetwork"] == "the network"


class TestComparison:
    def test_equal_ones_have_no_difference(self) -> None:
        assert compared({"ADD": seen(a=[1, {"b": 2}])}, {"ADD": seen(a=[1, {"b": 2}])}) == []

    def test_a_place_is_named_with_both_values(self) -> None:
        (found,) = compared({"ADD": seen(a=[{"b": 1}])}, {"ADD": seen(a=[{}])})
        assert found == Difference("ADD", "a.0.b", "1", "absent")

    def test_a_difference_that_stays_is_told_once(self) -> None:
        peer, ours = {"ADD": seen(a=1), "DEL": seen(a=1)}, {"ADD": seen(a=2), "DEL": seen(a=2)}
        assert [found.step for found in compared(peer, ours)] == ["ADD"]

    def test_after_a_pod_that_only_one_made_nothing_is_compared(self) -> None:
        peer, ours = {"ADD": seen(), "DEL": seen(a=1)}, {"ADD": seen(works=False), "DEL": seen(a=2)}
        assert compared(peer, ours) == [Difference("ADD", "works", "true", "false")]


class TestTold:
    """The peers that cannot be had by name."""

    @pytest.mark.parametrize("case", [*told_cases()], ids=lambda case: case.name)
    def test_a_row_can_be_done_to_a_node(self, tmp_path: Path, case: Case) -> None:
        steps = observed_by_row(tmp_path / "node", case)
        expected = told()[case.name][1]
        assert steps["ADD"].works is not expected.refuses
        assert len(steps["second pod"].objects["endpoints"]) == (0 if expected.refuses else 2)
        assert steps["ADD again"].answer == steps["ADD"].answer
        assert steps["ADD again"].sent == steps["DEL again"].sent == []
        assert steps["DEL of the second pod"].objects["endpoints"] == []
        left = steps["DEL of the second pod"].reserved
        assert [name for name in left if not name.startswith("last_reserved_ip")] == []

    def test_what_the_row_names_is_what_hns_gets_and_the_pod_has(self, tmp_path: Path) -> None:
        (case,) = [case for case in told_cases() if case.name == "sdnbridge / row DSR for loopback"]
        added = observed_by_row(tmp_path / "node", case)["ADD"]
        (endpoint,) = added.objects["endpoints"]
        assert endpoint["IpConfigurations"][0]["IpAddress"] == "10.70.1.2"
        assert endpoint["Policies"] == [{"Type": "OutBoundNAT", "Settings": {"Destinations": ["10.70.1.2"]}}]
        assert added.reserved == {
            "10.70.1.2": f"{PODS[1]}\r\neth0",
            "last_reserved_ip.0": "10.70.1.2",
        }


class TestTable:
    def test_names_are_unique_and_every_row_says_all_it_has_to(self) -> None:
        rows = read()
        assert len({row.name for row in rows}) == len(rows)
        for row in rows:
            assert set(row.peers) <= PEERS
            assert all((row.peers, row.peer_does, row.we_do, row.why, row.shows)), row.name

    def test_the_documentation_is_made_from_it(self) -> None:
        """`python -m tests.differential --document > docs/differences.md` mends it."""
        assert (ROOT / "docs" / "differences.md").read_text(encoding="utf-8") == document(read())

    def test_a_row_means_its_place_its_values_and_its_configurations(self) -> None:
        pattern = Pattern("result.*.mac", ("ADD",), {"ipam": "stat*"}, '"a*"', "[]")
        rows = [Row("mac", ("win-bridge",), "", "", "", (pattern,))]
        found = Difference("ADD", "result.0.mac", '"abc"', "[]")
        assert reason(rows, CASE, found) == "mac"
        for other in (
            found._replace(step="DEL"),
            found._replace(place="sent.0.mac"),
            found._replace(peer='"b"'),
            found._replace(ours="[1]"),
        ):
            assert reason(rows, CASE, other) is None
        assert reason(rows, CASE._replace(values={"ipam": "a range"}), found) is None
        assert reason(rows, CASE._replace(values={}), found) is None
        assert reason(rows, CASE._replace(peer="nat"), found) is None

    def test_a_difference_that_nobody_meant_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = Difference("ADD", "result.0.mac", "1", "2")
        assert _report([], [(CASE, [found])], complete=False, began=0) == 1
        assert "ADD: result.0.mac" in capsys.readouterr().out

    def test_a_row_that_no_longer_occurs_fails_where_all_cases_were_tried(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = [Row("mac", ("win-bridge",), "", "", "", ())]
        assert _report(rows, [(CASE, [])], complete=False, began=0) == 0
        assert _report(rows, [(CASE, [])], complete=True, began=0) == 1
        assert "no case shows this difference any more: mac" in capsys.readouterr().out


def test_the_cases_can_be_listed_without_wine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "conf/"]) == 0
    assert "win-bridge / file conf/win-bridge.conf" in capsys.readouterr().out.splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name",
    [
        "win-bridge / alone an empty ipam type",
        "win-overlay / alone a MAC prefix without dash",
        "nat / row port mappings of containerd",
    ],
)
def test_beside_the_peer_nothing_differs_but_what_is_meant(
    tmp_path: Path, lane: Lane, wine: None, name: str
) -> None:
    (case,) = [case for case in every() if case.name == name]
    with Trials.beginning(lane, tmp_path) as trials:
        differences = trials.run(case)
    rows = read()
    assert [str(found) for found in differences if reason(rows, case, found) is None] == []
