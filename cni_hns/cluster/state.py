"""What the agent knows and tells: a small file in the data folder, always whole.

It is for people (`cni-hns cluster status`), and it is the agent's memory: with it a new agent knows, while
the API is away, which podCIDRs this Node was given.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, NamedTuple

from cni_hns.cluster.private_file import write_whole

__all__ = ["Memory", "NodeState", "State", "StepState", "read_state", "state_file", "write_state"]

_NAME = "agent-state.json"
_LARGEST_BYTES = 1 << 22


class Memory(NamedTuple):
    """What outlives an agent: the podCIDRs of its Node as the API last told, and the uid of that Node."""

    pod_cidrs: tuple[str, ...] = ()
    node_uid: str = ""


class NodeState(NamedTuple):
    """A node of the cluster, as the API last told: its podCIDRs, and the address that its pods are behind."""

    name: str
    pod_cidrs: tuple[str, ...]
    address: str


class StepState(NamedTuple):
    """Where a step stands: `state` is done, waiting or failed; `since` in seconds since 1970."""

    name: str
    state: str
    words: str
    since: float


class State(NamedTuple):
    """All of it. `ready` says whether an ADD would work; times are seconds since 1970, 0 for never.

    `waiting`: nodes to which there is no route yet, and why.
    """

    node: str = ""
    pid: int = 0
    started: float = 0.0
    written: float = 0.0
    ready: bool = False
    whole_since: float = 0.0
    api_fault: str = ""
    network_name: str = ""
    mode: str = ""
    routes_wanted: int = 0
    routes_there: int = 0
    waiting: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepState, ...] = ()
    nodes: tuple[NodeState, ...] = ()
    last_fault: str = ""
    last_fault_at: float = 0.0
    memory: Memory = Memory()

    def step(self, name: str) -> StepState | None:
        """Where the step of this name stands; None before it was tried."""
        return next((one for one in self.steps if one.name == name), None)


def state_file(folder: str) -> str:
    """Where the state of the agent with this data folder lies."""
    return os.path.join(folder, _NAME)


def read_state(folder: str) -> State | None:
    """What the last agent wrote; None where there was none, or what is there is no state."""
    try:
        with open(state_file(folder), "rb") as file:
            return _state_of(json.loads(file.read(_LARGEST_BYTES)))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write_state(folder: str, state: State) -> None:
    """Replace the file in one step. Raises: OSError."""
    write_whole(state_file(folder), json.dumps(_document(state._replace(written=time.time()))))


def _document(state: State) -> dict[str, Any]:
    return {
        **state._asdict(),
        "waiting": [list(one) for one in state.waiting],
        "steps": [one._asdict() for one in state.steps],
        "nodes": [[one.name, list(one.pod_cidrs), one.address] for one in state.nodes],
        "memory": state.memory._asdict(),
    }


def _state_of(document: dict[str, Any]) -> State:
    """Members of a newer agent are passed over, those that an older one did not know have their defaults."""
    known = {name: document[name] for name in State._fields if name in document}
    memory = {name: value for name, value in known.pop("memory", {}).items() if name in Memory._fields}
    memory["pod_cidrs"] = tuple(map(str, memory.get("pod_cidrs", ())))
    known["waiting"] = tuple((str(name), str(why)) for name, why in known.get("waiting", ()))
    known["nodes"] = tuple(
        NodeState(str(name), tuple(map(str, cidrs)), str(address))
        for name, cidrs, address in known.get("nodes", ())
    )
    steps = [{name: one[name] for name in StepState._fields} for one in known.get("steps", ())]
    known["steps"] = tuple(StepState(**one) for one in steps)
    return State(**known, memory=Memory(**memory))
