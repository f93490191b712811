"""What HCS does to a namespace when it makes and ends a container in it.

This is where an endpoint is really attached: until then it is Created, and an attach that cannot work fails
here with 0x803B002E though every call before had succeeded (reported to containerd).
"""

from __future__ import annotations

import json

from cni_hns.simulator.core import endpoints
from cni_hns.simulator.core.errors import ELEMENT_NOT_FOUND, NAMESPACE_ATTACH_FAILED, Refused
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.versions import has_feature

__all__ = [
    "endpoints_by_hand",
    "hot_add",
    "next_compartment",
    "of_namespace",
    "place_of",
    "run",
    "start",
    "stop",
    "unregister",
]


# In place of the namespace of a container that has none.
_BY_HAND = ""


def of_namespace(state: State, namespace: str) -> list[str]:
    """The containers registered in the namespace; one may be listed twice, as in the dumps."""
    return [
        row[0]
        for row in state.rows(
            "SELECT container FROM containers WHERE namespace = ? ORDER BY rowid", namespace
        )
    ]


def place_of(state: State, container: str) -> str | None:
    """The namespace that it runs in, empty where it has none; None if it does not run."""
    row = state.row("SELECT namespace FROM containers WHERE container = ? AND stuck = 0", container)
    return None if row is None else str(row[0])


def endpoints_by_hand(state: State, container: str) -> list[str]:
    """The endpoints in no namespace that were put into it."""
    rows = state.rows("SELECT id, containers FROM endpoints WHERE namespace IS NULL ORDER BY rowid")
    return [guid for guid, users in rows if container in json.loads(users)]


def next_compartment(state: State) -> int:
    """A Windows compartment number that nobody has; 1 is the host's."""
    row = state.row("UPDATE node SET next_compartment = next_compartment + 1 RETURNING next_compartment - 1")
    return int(row[0]) if row else 0


def start(state: State, namespace: str, container: str) -> int:
    """HCS makes a container in the namespace: compartment, NICs, registration; the compartment's number.

    Raises:
        Refused: 0x80070490, no such namespace; 0x803B002E, an endpoint of it cannot be attached.
    """
    row = state.row("SELECT compartment FROM namespaces WHERE id = ?", namespace)
    if row is None:
        raise Refused(ELEMENT_NOT_FOUND, f"namespace {namespace}")
    members = [guid for (guid,) in _members(state, namespace)]
    for guid in members:
        _demand_attachable(state, guid)
    compartment = int(row[0]) or next_compartment(state)
    state.run("UPDATE namespaces SET compartment = ? WHERE id = ?", compartment, namespace)
    state.run("INSERT INTO containers VALUES (?, ?, 0)", namespace, container)
    for guid in members:
        _share(state, guid, container)
    return compartment


def run(state: State, container: str) -> None:
    """HCS makes a container in no namespace, as Docker does: endpoints are put into it by hand."""
    state.run("INSERT INTO containers VALUES (?, ?, 0)", _BY_HAND, container)


def stop(state: State, container: str, stuck: bool) -> None:
    """HCS ends a container; `stuck` leaves it registered in its namespace, as seen after upgrades."""
    for (namespace,) in state.rows(
        "SELECT DISTINCT namespace FROM containers WHERE container = ?", container
    ):
        if stuck:
            state.run("UPDATE containers SET stuck = 1 WHERE container = ?", container)
        else:
            state.run("DELETE FROM containers WHERE namespace = ? AND container = ?", namespace, container)
        _unshare(state, namespace, container)
        if not of_namespace(state, namespace):
            state.run("UPDATE namespaces SET compartment = 0 WHERE id = ? AND built_in = 0", namespace)


def unregister(state: State, namespace: str, container: str) -> None:
    """Take a container off the namespace's list; a stuck one stays (tried with hnsdiag, to no effect).

    Raises:
        Refused: the code of the option `remove_absent_hresult`, it is not on the list.
    """
    row = state.row(
        "SELECT stuck FROM containers WHERE namespace = ? AND container = ?", namespace, container
    )
    if row is None:
        raise Refused(state.options.remove_absent_hresult or ELEMENT_NOT_FOUND, f"{container} is not in it")
    if not row[0]:
        stop(state, container, False)


def hot_add(state: State, namespace: str, endpoint: str) -> None:
    """An endpoint added while containers run is attached to them at once.

    Raises:
        Refused: 0x803B002E, it cannot be attached.
    """
    running = of_namespace(state, namespace)
    if running:
        _demand_attachable(state, endpoint)
    for container in running:
        _share(state, endpoint, container)


def _members(state: State, namespace: str) -> list[tuple[str]]:
    return [
        (row[0],)
        for row in state.rows(
            "SELECT id FROM endpoints WHERE namespace = ? ORDER BY joined, rowid", namespace
        )
    ]


def _demand_attachable(state: State, guid: str) -> None:
    endpoint = endpoints.load(state, guid)
    if endpoint.state == endpoints.DEGRADED_STATE:
        raise Refused(NAMESPACE_ATTACH_FAILED, f"{guid} is degraded (0x803B0017)")
    # On Windows Server 2019 an endpoint that one container used cannot go to another (reported to buildkit).
    if endpoint.state == endpoints.DETACHED and not has_feature("AttachAgain", state.version):
        raise Refused(NAMESPACE_ATTACH_FAILED, f"{guid} was used by another container (0x803B0017)")
    if endpoint.document["spoiled"]:
        raise Refused(NAMESPACE_ATTACH_FAILED, f"{guid}: {endpoint.document['spoiled']!r} is no prefix")


def _share(state: State, guid: str, container: str) -> None:
    shared = endpoints.load(state, guid).containers
    endpoints.set_state(state, guid, state.options.state_of_shared, [*shared, container])


def _unshare(state: State, namespace: str, container: str) -> None:
    members = "namespace IS NULL" if namespace == _BY_HAND else "namespace = ?"
    values = () if namespace == _BY_HAND else (namespace,)
    for guid, text in state.rows(f"SELECT id, containers FROM endpoints WHERE {members}", *values):  # noqa: S608
        before = json.loads(text)
        left = [each for each in before if each != container]
        if left != before:
            number = state.options.state_of_shared if left else endpoints.DETACHED
            endpoints.set_state(state, guid, number, left)
