"""An agent of a simulated node in a cluster that lives in this process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cni_hns.binding.reading import member
from cni_hns.cluster import agent
from cni_hns.cluster.api.mirror import Pauses
from cni_hns.cluster.loop import Timing
from cni_hns.cluster.settings import AgentSettings, Source, settings_of
from cni_hns.cluster.state import State, read_state
from cni_hns.cluster.world import World
from tests.harness import Answer, SimulatedNode, container_id
from tests.unit.cluster.fake_cluster import FakeCluster

__all__ = ["AgentNode", "Running", "until"]

_PATIENCE_S = 60.0
QUICK = Timing(settle_s=0.0, look_s=0.1, again_s=30.0, limit_s=60.0, stop_s=30.0, pauses=Pauses(0.02, 0.05))


def until(what: str, probe: Callable[[], Any]) -> Any:
    """What the probe says once that is true; the bound is for a hang only."""
    ends = time.monotonic() + _PATIENCE_S
    while not (found := probe()):
        assert time.monotonic() < ends, f"{what}: never"
        time.sleep(0.01)
    return found


class Running:
    """An agent in a thread of its own. `lines` is what it said."""

    def __init__(self, world: World, timing: Timing) -> None:
        self.stop = threading.Event()
        self.exit_code: int | None = None
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(world, timing))
        self._thread.start()

    def _run(self, world: World, timing: Timing) -> None:
        try:
            self.exit_code = agent.run(world, self.stop, timing)
        except BaseException as fault:
            self.fault = fault
            self.stop.set()

    def end(self) -> int | None:
        """Stop it, and wait; its exit code."""
        self.stop.set()
        self._thread.join(_PATIENCE_S)
        assert not self._thread.is_alive()
        if self.fault is not None:
            raise self.fault
        return self.exit_code


class AgentNode:
    """A simulated node, win-1 at 192.0.2.1 unless it is said otherwise, and what its agent writes."""

    def __init__(self, folder: Path, number: int = 1, mode: str = "overlay", **options: Any) -> None:
        self.name = f"win-{number}"
        self.mode = mode
        adapter = {"name": "Ethernet", "kind": "physical", "address": f"192.0.2.{number}"}
        self.sim = SimulatedNode(folder / "hns", **{"adapters": [adapter], **options})
        self.net_d = folder / "net.d"
        self.net_d.mkdir(parents=True)
        self.lines: list[str] = []

    @property
    def settings(self) -> AgentSettings:
        return settings_of([Source("the test", self.document())])

    def document(self) -> dict[str, Any]:
        """The settings as a file has them."""
        return {
            "nodeName": self.name,
            "mode": self.mode,
            "network": {"adapter": "Ethernet"},
            "clusterCIDRs": "10.244.0.0/16",
            "serviceCIDRs": "10.96.0.0/12",
            "cni": {"folder": str(self.net_d)},
            "health": "",
            "idle": 0,
        }

    def world(self, cluster: FakeCluster, **changes: Any) -> World:
        settings = self.settings._replace(**changes)
        simulator = self.sim.simulator
        return World.of(
            settings,
            lambda: (simulator.libraries(), simulator.machine()),
            cluster.api(),
            self.lines.append,
        )

    def once(self, cluster: FakeCluster, **changes: Any) -> int:
        """All steps once; the exit code."""
        return agent.once(self.world(cluster, **changes))

    @contextmanager
    def running(self, cluster: FakeCluster, timing: Timing = QUICK, **changes: Any) -> Iterator[Running]:
        """With an agent that runs; it ends with the `with`, and must end well."""
        running = Running(self.world(cluster, **changes), timing)
        try:
            yield running
        finally:
            running.end()

    @property
    def state(self) -> State:
        found = read_state(self.sim.simulator.machine().state_folder())
        assert found is not None
        return found

    def is_ready(self) -> bool:
        found = read_state(self.sim.simulator.machine().state_folder())
        return found is not None and found.ready

    def step(self, name: str) -> str:
        """The state of this step, as the agent wrote it last."""
        found = self.state.step(name)
        return "" if found is None else found.state

    @property
    def conflist(self) -> dict[str, Any] | None:
        """What the runtime would load."""
        try:
            return json.loads((self.net_d / "10-cni-hns.conflist").read_text())  # type: ignore[no-any-return]
        except FileNotFoundError:
            return None

    @property
    def network(self) -> str:
        return "flannel.4096" if self.mode == "overlay" else "cbr0"

    def network_document(self) -> dict[str, Any]:
        return self.sim.hcn.networks.get(self.sim.network_id(self.network))

    def routes(self) -> dict[str, str]:
        """Prefix -> the address of the node that is behind it."""
        if not self.sim.hcn.networks.ids(Name=self.network):
            return {}
        if self.mode == "overlay":
            policies = [
                one for one in self.network_document()["Policies"] if one["Type"] == "RemoteSubnetRoute"
            ]
            settings = [one["Settings"] for one in policies]
            return {one["DestinationPrefix"]: one["ProviderAddress"] for one in settings}
        rows = self.sim.simulator.machine().route_table().routes()
        return {
            one.prefix: one.next_hop
            for one in rows
            if one.prefix.startswith("10.244.") and "/24" in one.prefix and one.next_hop != "0.0.0.0"
        }

    def prefixes(self) -> set[str]:
        ipams = self.network_document()["Ipams"]
        return {subnet["IpAddressPrefix"] for one in ipams for subnet in member(one, "Subnets")}

    def plugin(self) -> dict[str, Any]:
        """What the plugin is given of the configuration list."""
        listed = self.conflist
        assert listed is not None
        (plugin,) = listed["plugins"]
        return {"cniVersion": "1.0.0", "name": listed["name"], **plugin}

    def add(self) -> tuple[Answer, str, str]:
        """A pod by the real plugin: the answer, its container and its namespace."""
        container, namespace = container_id(), self.sim.namespace()
        return self.sim.call("ADD", self.plugin(), container, namespace), container, namespace

    def close(self) -> None:
        with closing(self.sim):
            pass
