"""Making a compute system from its document.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ComputeSystem
"""

from __future__ import annotations

from cni_hns.simulator.core.compute import clock, holders, life, network, systems
from cni_hns.simulator.core.compute.reading import document_in, part, text_of, texts_of
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document, folded, new_guid
from cni_hns.simulator.core.errors import (
    HCS_INVALID_JSON,
    HCS_SYSTEM_EXISTS,
    HCS_SYSTEM_NOT_FOUND,
    PARAMETER_INCORRECT,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["create", "create_from", "plant"]

_MEMBERS = (
    "Owner",
    "SchemaVersion",
    "HostingSystemId",
    "HostedSystem",
    "Container",
    "VirtualMachine",
    "ShouldTerminateOnLastHandleClosed",
)
_NETWORKING = ("Namespace", "NetworkSharedContainerName", "NetworkAdapters")
_RESOURCES = ("Processor", "Memory", "MappedDirectories", "MappedPipes")


def create(state: State, system: str, run: str, text: str | None) -> None:
    """A new system of this ID; who made it holds this run of it already, or has closed it meanwhile.

    Raises:
        Refused: 0x8037010D, the document; 0x8037010F, the ID is taken; 0x8037010E, its host does not run;
        with the option `namespace_joined_at` "create" what `network.join` refuses: then a system may be left.
    """
    document = document_in(text, *_MEMBERS)
    version = part(document, "SchemaVersion", "Major", "Minor")
    if version.get("Major") != 2:  # noqa: PLR2004
        raise Refused(HCS_INVALID_JSON, f"SchemaVersion is {document.get('SchemaVersion')!r}")
    create_from(state, system, run, document)


def create_from(state: State, system: str, run: str, document: Document) -> None:
    """The same from a document that has been read.

    Raises:
        Refused: as `create`, but for its schema.
    """
    if not system:
        raise Refused(PARAMETER_INCORRECT, "an empty ID")
    made = _made(state, system, run, document)
    if systems.named(state, system) is not None:
        raise Refused(HCS_SYSTEM_EXISTS, system)
    if made.hosted_by:
        host = systems.named(state, made.hosted_by)
        if host is None or host.state != systems.RUNNING:
            raise Refused(HCS_SYSTEM_NOT_FOUND, f"the host {made.hosted_by} does not run")
    systems.add(state, made)
    if state.options.namespace_joined_at == "create":
        _join(state, made)
    holders.end_if_forsaken(state, run)


def _join(state: State, made: System) -> None:
    """What cannot be joined fails the creation, and what was made until then is left, its ID taken."""
    try:
        network.join(state, made)
    except Refused as refusal:
        left = systems.insertion(made) if state.options.failed_create_keeps_id else None
        raise Refused(refusal.hresult, refusal.reason, mark=left) from refusal


def plant(state: State, system: str, owner: str, namespace: str) -> None:
    """A container that runs already, and whose endpoints are attached already."""
    now = clock.now(state)
    wanted = {"Container": {"Networking": {"Namespace": namespace}} if namespace else {}}
    document = {"Owner": owner, "SchemaVersion": {"Major": 2, "Minor": 1}, **wanted}
    made = _made(state, system, new_guid(), document)
    systems.add(state, made._replace(joined=True, state=systems.RUNNING, started_at=now))
    life.begin_processes(state, made)


def _made(state: State, system: str, run: str, document: Document) -> System:
    container = _container(document)
    if container is None and "VirtualMachine" not in document:
        raise Refused(HCS_INVALID_JSON, "neither Container nor VirtualMachine")
    networking = part(container or {}, "Networking", *_NETWORKING)
    for name in ("Namespace", "NetworkSharedContainerName"):
        text_of(networking, name)
    texts_of(networking, "NetworkAdapters")
    return System(
        run=run,
        id=system,
        owner=text_of(document, "Owner"),
        type=systems.VIRTUAL_MACHINE if container is None else systems.CONTAINER,
        hosted_by=text_of(document, "HostingSystemId"),
        joined=False,
        state=systems.CREATED,
        closes=document.get("ShouldTerminateOnLastHandleClosed") is True,
        made_at=clock.now(state),
        started_at=0.0,
        peak_bytes=0,
        exit=None,
        document=document,
        resources={name: value for name, value in (container or {}).items() if name in _RESOURCES},
        networking={name: networking[name] for name in _NETWORKING if name in networking},
    )


def _container(document: Document) -> Document | None:
    """The container in the document, or in that of what a virtual machine hosts."""
    names = ("Networking", *_RESOURCES)
    if "Container" in document:
        return part(document, "Container", *names)
    hosted = part(document, "HostedSystem", "Container")
    return folded(part(hosted, "Container", *names), names) if "Container" in hosted else None
