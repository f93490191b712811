"""Routes of the host on a simulated node: which are ours, and what becomes of them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.route_table import HostRoute, RouteDenied, RouteFault, RouteMissing
from cni_hns.cluster.routes import on_host
from cni_hns.cluster.routes.note import Note, NoteExposed
from cni_hns.cluster.routes.removal import Gone
from cni_hns.cluster.routes.route import Changes, Route
from cni_hns.simulator import Simulator

NOBODY = Gone(proven=True, claimed=frozenset())
ADAPTER = {
    "name": "Ethernet",
    "kind": "physical",
    "address": "192.0.2.1",
    "gateway": "192.0.2.254",
    "also": ["2001:db8::1/64"],
}
FIRST_ADAPTER = 10
READ, ADD, REMOVE = "GetIpForwardTable2", "CreateIpForwardEntry2", "DeleteIpForwardEntry2"


class Host:
    """One node with one adapter; each `bring` is an agent that has just started."""

    def __init__(self, folder: Path) -> None:
        self.simulator = Simulator(str(folder), adapters=[ADAPTER])
        self.table = self.simulator.machine().route_table()

    @property
    def note(self) -> Note:
        machine = self.simulator.machine()
        return Note(machine.state_folder(), machine.boot_id())

    def bring(self, *wanted: Route, known: Gone = NOBODY, **more: Any) -> Changes:
        return on_host.bring(self.table, wanted, known, note=self.note, **more)

    def calls(self) -> list[str]:
        found = [call.function for call in self.simulator.journal()]
        self.simulator.reset_journal()
        return found

    @property
    def routes(self) -> list[Route]:
        """Those to pods."""
        found = [Route(one.prefix, one.next_hop) for one in self.table.routes()]
        self.simulator.reset_journal()
        return sorted(one for one in found if one.prefix.startswith(("10.244.", "fd00:244:")))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.simulator.close()


def route(number: int, hop: str = "") -> Route:
    return Route(f"10.244.{number}.0/24", hop or f"192.0.2.{number}")


V6 = Route("fd00:244:0:2::/64", "2001:db8::2")


def test_a_node_that_joins_costs_one_look_and_one_call(host: Host) -> None:
    assert host.bring(route(2)) == Changes([route(2)], [], [], [])
    assert host.calls() == [READ, ADD]
    assert host.routes == [route(2)]


def test_both_families_have_routes(host: Host) -> None:
    assert host.bring(route(2), V6).added == [route(2), V6]
    assert host.routes == [route(2), V6]


def test_what_is_as_it_should_be_costs_one_look_and_no_writing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.bring(route(2), V6)
    host.calls()
    monkeypatch.setattr(Note, "write", lambda *_: pytest.fail("the note was written"))
    assert not host.bring(V6, route(2)).any
    assert host.calls() == [READ]


def test_and_no_look_where_the_caller_has_looked(host: Host) -> None:
    host.bring(route(2))
    there = host.table.routes()
    host.calls()
    assert not host.bring(route(2), there=there).any
    assert host.calls() == []


def test_a_route_goes_with_its_node_also_for_an_agent_that_has_just_started(host: Host) -> None:
    host.bring(route(2), route(3))
    assert host.bring(route(3)) == Changes([], [route(2)], [], [])
    assert host.routes == [route(3)]


def test_nothing_is_removed_where_nothing_is_proven(host: Host) -> None:
    host.bring(route(2), route(3))
    assert not on_host.bring(host.table, [route(3)], note=host.note).any
    assert not host.bring(route(3), known=Gone(proven=True, claimed=frozenset({"10.244.2.0/24"}))).any
    assert host.routes == [route(2), route(3)]


def test_of_a_node_that_moved_the_new_route_is_there_before_the_old_one_goes(host: Host) -> None:
    host.bring(route(2))
    host.calls()
    moved = route(2, "192.0.2.77")
    assert host.bring(moved) == Changes([moved], [route(2)], [], [])
    assert host.calls() == [READ, ADD, REMOVE]
    assert host.routes == [moved]


def test_a_node_that_moved_keeps_its_old_route_while_the_new_one_is_refused(host: Host) -> None:
    host.bring(route(2))
    host.simulator.inject(function=ADD, hresult=0x80070032)
    moved = route(2, "192.0.2.77")
    with pytest.raises(RouteFault):
        host.bring(moved)
    host.simulator.inject(function=ADD, hresult=1450)
    changes = host.bring(moved)
    assert [one.route for one in changes.refused] == [moved]
    assert host.routes == [route(2)]
    assert host.bring(moved) == Changes([moved], [route(2)], [], [])


class TestRoutesOfOthers:
    """A route that is not in our note is never changed and never removed."""

    def test_a_route_to_a_node_that_is_gone_stays(self, host: Host) -> None:
        host.simulator.plant_route("10.244.9.0/24", "192.0.2.9", FIRST_ADAPTER)
        assert not host.bring().any
        assert host.routes == [route(9)]

    def test_one_that_leads_where_ours_would_is_enough(self, host: Host) -> None:
        host.simulator.plant_route("10.244.2.0/24", "192.0.2.2", FIRST_ADAPTER)
        assert host.bring(route(2)) == Changes([], [], [], [])
        assert not host.bring().any
        assert host.routes == [route(2)]

    def test_one_that_leads_elsewhere_is_told_and_ours_is_not_put_beside_it(self, host: Host) -> None:
        host.simulator.plant_route("10.244.2.0/24", "192.0.2.254", FIRST_ADAPTER)
        changes = host.bring(route(2), route(3))
        assert (changes.added, changes.refused) == ([route(3)], [])
        ((found, why),) = changes.foreign
        assert found == route(2)
        assert "via 192.0.2.254" in why
        assert "Remove-NetRoute -DestinationPrefix 10.244.2.0/24" in why
        assert host.routes == [route(2, "192.0.2.254"), route(3)]

    def test_one_that_comes_at_the_same_moment_is_theirs(self, host: Host) -> None:
        there = host.table.routes()
        host.simulator.plant_route("10.244.2.0/24", "192.0.2.2", FIRST_ADAPTER)
        assert host.bring(route(2), there=there) == Changes([], [], [], [])
        assert not host.bring().any
        assert host.routes == [route(2)]

    def test_what_is_there_after_a_boot_is_theirs(self, host: Host) -> None:
        host.bring(route(2))
        host.simulator.reboot()
        assert host.routes == []
        host.simulator.plant_route("10.244.2.0/24", "192.0.2.2", FIRST_ADAPTER)
        assert not host.bring().any
        assert host.routes == [route(2)]

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", '{"boot": "x", "routes": []}', '{"boot": 1, "routes": 7}', "[" * 100_000],
    )
    def test_with_a_note_that_cannot_be_read_every_route_is_theirs(self, host: Host, text: str) -> None:
        host.bring(route(2))
        Path(host.note.path).write_text(text)
        assert not host.bring().any
        assert host.routes == [route(2)]


class TestLinks:
    def test_a_next_hop_on_no_link_is_told_and_stops_no_other(self, host: Host) -> None:
        changes = host.bring(route(2, "198.51.100.2"), route(3))
        assert changes.added == [route(3)]
        ((found, why),) = changes.refused
        assert found == route(2, "198.51.100.2")
        assert "on no link" in why
        assert host.calls() == [READ, ADD]

    def test_the_smallest_link_has_the_next_hop(self, host: Host) -> None:
        small = {"name": "B", "kind": "physical", "address": "192.0.2.129", "prefix": 25}
        host.simulator.adapters = [ADAPTER, small]
        host.bring(route(2), route(3, "192.0.2.200"))
        rows = {one.next_hop: one.interface for one in host.table.routes()}
        assert (rows["192.0.2.2"], rows["192.0.2.200"]) == (FIRST_ADAPTER, FIRST_ADAPTER + 1)

    def test_links_are_told_without_single_addresses(self, host: Host) -> None:
        assert on_host.on_link(host.table.routes()) == ["127.0.0.0/8", "192.0.2.0/24", "2001:db8::/64"]

    def test_everything_is_on_no_link_for_us(self) -> None:
        tunnel = [HostRoute("0.0.0.0/0", "0.0.0.0", 7)]  # noqa: S104 - a next hop
        assert on_host._Links(tunnel).interface_to("192.0.2.2") is None


class TestForwarding:
    def test_it_is_switched_on_once_for_each_interface_and_family(self, host: Host) -> None:
        assert on_host.forward(host.table, ["192.0.2.1", "2001:db8::1"]) == [FIRST_ADAPTER, FIRST_ADAPTER]
        host.calls()
        assert on_host.forward(host.table, ["192.0.2.1", "2001:db8::1"]) == []
        assert host.calls() == [READ, "GetIpInterfaceEntry", "GetIpInterfaceEntry"]
        assert host.table.forwards(FIRST_ADAPTER, 4)

    def test_an_address_that_the_host_does_not_have_is_told(self, host: Host) -> None:
        with pytest.raises(RouteMissing, match=r"address 10\.244\.1\.2 of this host"):
            on_host.forward(host.table, ["10.244.1.2"])


class TestFailures:
    def test_without_rights_it_ends_at_the_first_call(self, host: Host) -> None:
        host.simulator.set_options(elevated=False)
        with pytest.raises(RouteDenied, match="run as administrator or SYSTEM"):
            host.bring(route(2), route(3))
        assert host.calls() == [READ, ADD]
        host.simulator.set_options(elevated=True)
        assert host.bring(route(2), route(3)).added == [route(2), route(3)]

    def test_no_route_is_made_that_cannot_be_written_down(
        self, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr("cni_hns.cluster.routes.note.os.replace", full)
            with pytest.raises(OSError, match="no space left"):
                host.bring(route(2))
        assert host.routes == []
        assert [one.name for one in Path(host.note.path).parent.iterdir()] == []

    def test_one_that_is_refused_is_ours_until_the_next_run_sees_that_it_is_not_there(
        self, host: Host
    ) -> None:
        host.simulator.inject(function=ADD, object="10.244.2.0/24", hresult=0x80070057)
        changes = host.bring(route(2), route(3))
        assert changes.added == [route(3)]
        assert "Win32 error 87" in changes.refused[0].why
        assert len(host.note.read()) == 2
        host.bring(route(3))
        assert host.note.read() == {("10.244.3.0/24", "192.0.2.3")}

    def test_one_that_cannot_be_removed_stays_ours(self, host: Host) -> None:
        host.bring(route(2), route(3))
        host.simulator.inject(function=REMOVE, object="10.244.2.0/24", hresult=1450)
        changes = host.bring()
        assert [one.route for one in changes.refused] == [route(2)]
        assert host.routes == [route(2)]
        assert host.bring().removed == [route(2)]

    def test_one_that_is_gone_already_is_crossed_out(self, host: Host) -> None:
        host.bring(route(2))
        there = host.table.routes()
        host.table.remove(HostRoute("10.244.2.0/24", "192.0.2.2", FIRST_ADAPTER))
        assert host.bring(there=there) == Changes([], [], [], [])
        assert host.note.read() == set()

    @pytest.mark.parametrize("took_effect", [False, True], ids=["not done", "done"])
    @pytest.mark.parametrize("nth", range(1, 7))
    def test_whichever_call_fails_the_next_run_ends_where_it_should(
        self, host: Host, nth: int, took_effect: bool
    ) -> None:
        """Also where the call did its work: what was noted is known as ours, whatever was answered."""
        host.bring(route(2), route(3), route(9))
        wanted = [route(2, "192.0.2.77"), route(3), route(4)]
        host.simulator.reset_journal()
        fault = host.simulator.inject(nth=nth, hresult=1450, took_effect=took_effect)
        try:
            host.bring(*wanted)
        except RouteFault:
            assert nth == 1
        fired = host.simulator.fired(fault)
        host.simulator.clear_faults()
        host.bring(*wanted)
        assert host.routes == wanted
        assert fired == (nth <= 5)
        host.bring()
        assert host.routes == []


@pytest.mark.skipif(os.name == "nt", reason="modes are those of other systems")
class TestTheNotesPlace:
    def test_it_is_made_for_its_owner_alone(self, host: Host) -> None:
        host.bring(route(2))
        path = Path(host.note.path)
        assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]

    @pytest.mark.parametrize("others_write", ["the note", "its folder"])
    def test_what_others_can_write_is_refused_and_no_route_changes(
        self, host: Host, others_write: str
    ) -> None:
        host.bring(route(2))
        path = Path(host.note.path)
        (path if others_write == "the note" else path.parent).chmod(0o777)
        with pytest.raises(NoteExposed, match=r"routes\.json is not believed: .*Next: "):
            host.bring(route(3))
        assert host.routes == [route(2)]

    def test_a_link_is_refused(self, host: Host, tmp_path: Path) -> None:
        host.bring(route(2))
        path = Path(host.note.path)
        path.rename(tmp_path / "elsewhere.json")
        path.symlink_to(tmp_path / "elsewhere.json")
        with pytest.raises(NoteExposed, match="is a link"):
            host.bring()
        assert host.routes == [route(2)]


def test_the_note_is_whole_or_the_one_before(host: Host) -> None:
    host.bring(route(2))
    document = json.loads(Path(host.note.path).read_text())
    assert document["routes"] == [["10.244.2.0/24", "192.0.2.2"]]
    assert [one.name for one in Path(host.note.path).parent.iterdir()] == ["routes.json"]
