"""All pods that the runtime knows."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING

from cni_hns.background import finishes_within
from cni_hns.cri.faults import CriFault, Refused
from cni_hns.cri.streams import stream_to
from cni_hns.cri.views import Container, Sandbox, addresses_in
from cni_hns.cri.wire import Message, text_field

if TYPE_CHECKING:
    from cni_hns.cri.calls import Calls
    from cni_hns.cri.streams import Stream

__all__ = ["sandboxes_of"]

_SERVICE = "/runtime.v1.RuntimeService"
_NOT_FOUND, _UNIMPLEMENTED = "5", "12"


def sandboxes_of(endpoint: str, timeout_s: float) -> list[Sandbox]:
    """The sandboxes of the runtime at this endpoint, all within this time.

    Raises: CriFault.
    """
    connect = stream_to(endpoint)
    found: list[list[Sandbox]] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            with closing(connect(timeout_s)) as stream:
                found.append(_sandboxes(_calls_on(stream)))
        except Exception as fault:  # raised again below, where somebody waits for it
            faults.append(fault)

    # A named pipe knows no time limit, and who sends a byte now and then would outlast any on a single read.
    if not finishes_within(timeout_s, ask) or any(isinstance(one, TimeoutError) for one in faults):
        raise CriFault(f"the runtime at {endpoint} has not answered within {timeout_s:g} s")
    for fault in faults:
        if not isinstance(fault, (CriFault, OSError)):
            raise fault
        raise CriFault(f"the runtime at {endpoint} does not tell its pods: {_words(fault)}") from fault
    return found[0]


def _calls_on(stream: Stream) -> Calls:
    try:
        from cni_hns.cri.calls import Calls
    except ModuleNotFoundError as missing:
        raise CriFault(f"{missing}; next: pip install h2") from missing
    return Calls(stream)


def _words(fault: Exception) -> str:
    return (isinstance(fault, OSError) and fault.strerror) or str(fault)


def _sandboxes(calls: Calls) -> list[Sandbox]:
    _check_version(calls)
    containers = defaultdict(list)
    for one in Message(calls.call(f"{_SERVICE}/ListContainers")).messages(1):
        container = Container.of(one)
        containers[container.sandbox].append(container)
    listed = [Sandbox.of(one) for one in Message(calls.call(f"{_SERVICE}/ListPodSandbox")).messages(1)]
    return [
        one._replace(
            addresses=_addresses(calls, one) if one.is_ready else (), containers=tuple(containers[one.id])
        )
        for one in listed
        if one.id
    ]


def _check_version(calls: Calls) -> None:
    """Raises: CriFault: the runtime does not speak this version of the CRI."""
    try:
        calls.call(f"{_SERVICE}/Version")
    except Refused as fault:
        if fault.status != _UNIMPLEMENTED:
            raise
        raise CriFault(f"it does not speak runtime.v1, as containerd does from 1.6 on ({fault})") from fault


def _addresses(calls: Calls, sandbox: Sandbox) -> tuple[str, ...]:
    """None of a sandbox that was removed since it was listed."""
    try:
        return addresses_in(Message(calls.call(f"{_SERVICE}/PodSandboxStatus", text_field(1, sandbox.id))))
    except Refused as fault:
        if fault.status != _NOT_FOUND:
            raise
        return ()
