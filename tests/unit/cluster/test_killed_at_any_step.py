"""The way to a node that is ready, broken off at any call, write or file operation: the next run ends as an
undisturbed one, with nothing besides."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from cni_hns.binding.errors import ServiceError
from cni_hns.cluster import conflist, host_endpoint, network, source_vip
from cni_hns.cluster.network_faults import NetworkFault
from cni_hns.cluster.wanted import NetworkWanted
from cni_hns.ledger.errors import LedgerFault
from tests.harness import SimulatedNode
from tests.matrix import files, ledger
from tests.matrix.faults import Point, Way
from tests.matrix.steps import Steps
from tests.unit.cluster.simulated import BRIDGE, OVERLAY, POD_CIDR, node_of, turned

MODES = pytest.mark.parametrize("wanted", [OVERLAY, BRIDGE], ids=["overlay", "l2bridge"])
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed process is a fork")

BROKEN_OFF = 0x800706BE
_CHANGES = ("HcnCreateNetwork", "HcnModifyNetwork", "HcnCreateEndpoint", "HNSCall")


class Site(NamedTuple):
    """Folders in which one node after the other is made ready."""

    root: Path
    wanted: NetworkWanted

    def fresh(self, name: str) -> SimulatedNode:
        """A node with a ledger and nothing else: who makes that one is another test."""
        node = SimulatedNode(self.root / name)
        with node_of(node) as opened:
            opened.ledger.fact("")
        return node

    def conf(self, node: SimulatedNode) -> Path:
        return Path(f"{node.folder}-conf")

    def bring(self, node: SimulatedNode) -> None:
        """All that an agent does on the node before it is ready."""
        with node_of(node) as opened:
            made = network.ensure(self.wanted, [POD_CIDR], opened, turned())
            if self.wanted.mode == "overlay":
                source_vip.ensure(made, opened)
            else:
                host_endpoint.ensure(made, opened)
            listed = conflist.document(self.wanted, made)
            assert conflist.not_ready(listed, opened) == ""
            conflist.write(str(self.conf(node)), conflist.FILE_NAME, listed)

    def state(self, node: SimulatedNode) -> str:
        """What is on the node, without what is chosen by chance."""
        dump = node.simulator.dump()
        conf = self.conf(node)
        state: dict[str, Any] = {
            "networks": [
                # A policy without settings that came late is there twice, and says what one says.
                {**one, "Policies": sorted({each["Type"] for each in one["Policies"]}), "MacPool": ""}
                for one in dump["networks"]
            ],
            "endpoints": [{**one, "MacAddress": one["MacAddress"][:2]} for one in dump["endpoints"]],
            "leases": [
                (one.address, one.container_id, one.origin, one.state)
                for one in node.leases(all_of_them=True)
            ],
            "files": {one.name: one.read_text() for one in conf.iterdir()} if conf.exists() else {},
        }
        (made,) = dump["networks"]
        own = {source_vip.own_id(self.wanted.name), host_endpoint.own_id(self.wanted.name)}
        text = json.dumps(state, indent=1, sort_keys=True)
        chosen = set(re.findall(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))
        for one in sorted(chosen):
            if one.lower() not in own:
                text = text.replace(one, "the network's" if one.lower() == made["ID"] else "some ID")
        return text

    def killed(self, node: SimulatedNode, point: Point | None, *, after: bool) -> list[Point]:
        """`bring` in another process that is killed there; the points that it passed where it was not."""
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(told)
            self._child(node, point, after, tell)
        os.close(tell)
        with os.fdopen(told, "rb") as report:
            text = report.read()
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, -signal.SIGKILL), code
        assert code == 0 or not text
        return [Point(*one) for one in json.loads(text)] if text else []

    def _child(self, node: SimulatedNode, point: Point | None, after: bool, tell: int) -> NoReturn:
        try:
            steps = Steps(node.folder, point, Way("kill", after=after), lambda: None)
            ledger.patch(steps)
            files.patch(steps, self.conf(node))
            self.bring(SimulatedNode(node.folder))
            os.write(tell, json.dumps(steps.seen).encode())
            os._exit(0)
        finally:
            os._exit(70)


def undisturbed(site: Site) -> tuple[str, list[str]]:
    """The end of an undisturbed run, and the HNS calls that it makes."""
    node = site.fresh("undisturbed")
    node.simulator.reset_journal()
    site.bring(node)
    calls = node.calls()
    state = site.state(node)
    node.close()
    return state, calls


def again(site: Site, node: SimulatedNode, expected: str, what: object) -> None:
    """The next run, once nothing befalls it any more."""
    node.simulator.clear_faults()
    site.bring(node)
    assert site.state(node) == expected, what
    node.simulator.forget_leaks()  # a killed process closes nothing
    node.close()


@MODES
def test_a_call_to_hns_that_fails_with_or_without_its_effect(tmp_path: Path, wanted: NetworkWanted) -> None:
    site = Site(tmp_path, wanted)
    expected, calls = undisturbed(site)
    for nth, function in enumerate(calls, 1):
        for took_effect in (False, True) if function in _CHANGES else (False,):
            node = site.fresh(f"{nth}-{took_effect}")
            node.simulator.inject(nth=nth, hresult=BROKEN_OFF, took_effect=took_effect)
            try:
                site.bring(node)
            except (ServiceError, NetworkFault, LedgerFault):
                assert not site.conf(node).exists()
            again(site, node, expected, (nth, function, took_effect))


@MODES
@pytest.mark.parametrize("further_calls", [1, 4])
def test_a_call_that_hns_does_later_than_it_said(
    tmp_path: Path, wanted: NetworkWanted, further_calls: int
) -> None:
    site = Site(tmp_path, wanted)
    expected, calls = undisturbed(site)
    for nth, function in enumerate(calls, 1):
        if function not in _CHANGES:
            continue
        node = site.fresh(f"{nth}")
        node.simulator.inject(nth=nth, hresult=BROKEN_OFF, late_after_calls=further_calls)
        with contextlib.suppress(ServiceError, NetworkFault, LedgerFault):
            site.bring(node)
        with contextlib.suppress(ServiceError, NetworkFault, LedgerFault):
            site.bring(node)  # which may meet it half-way
        node.simulator.finish_late()
        again(site, node, expected, (nth, function))


@needs_fork
@MODES
def test_killed_at_a_call_to_hns(tmp_path: Path, wanted: NetworkWanted) -> None:
    site = Site(tmp_path, wanted)
    expected, calls = undisturbed(site)
    for nth, function in enumerate(calls, 1):
        for moment in ("before", "after") if function in _CHANGES else ("before",):
            node = site.fresh(f"{nth}-{moment}")
            node.simulator.inject(nth=nth, die=moment)
            assert site.killed(node, None, after=False) == []
            assert not site.conf(node).exists()
            again(site, node, expected, (nth, function, moment))


@needs_fork
@MODES
@pytest.mark.parametrize("kind", ["ledger", "file"])
def test_killed_at_a_write_to_the_ledger_or_the_folder(
    tmp_path: Path, wanted: NetworkWanted, kind: str
) -> None:
    site = Site(tmp_path, wanted)
    expected, _ = undisturbed(site)
    first = site.fresh("first")
    points = [one for one in site.killed(first, None, after=False) if one.kind == kind]
    first.close()
    assert points
    for point in points:
        for after in (False, True):
            node = site.fresh(f"{point.k}-{after}")
            ended = site.killed(node, point, after=after)
            # An operation that fails, as of a file that is not there, has no moment behind it.
            assert after or not ended
            left = [one.name for one in site.conf(node).iterdir()] if site.conf(node).exists() else []
            assert conflist.FILE_NAME not in left or json.loads(
                (site.conf(node) / conflist.FILE_NAME).read_text()
            )
            again(site, node, expected, (point, after))


@MODES
@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda node: node.simulator.restart_hns(), id="HNS restarted"),
        pytest.param(lambda node: node.simulator.reboot(), id="the machine restarted"),
        pytest.param(
            lambda node: node.simulator.restart_hns(lose=["flannel.4096", "cbr0"]), id="network lost"
        ),
        pytest.param(
            lambda node: node.simulator.swap_network(node.simulator.dump()["networks"][0]["Name"]),
            id="swapped",
        ),
        pytest.param(lambda node: node.lose_ledger(), id="ledger lost"),
    ],
)
def test_what_was_lost_meanwhile_is_made_again(
    tmp_path: Path, wanted: NetworkWanted, happens: Callable[[SimulatedNode], object]
) -> None:
    site = Site(tmp_path, wanted)
    expected, _ = undisturbed(site)
    node = site.fresh("node")
    site.bring(node)
    happens(node)
    again(site, node, expected, "")
