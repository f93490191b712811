"""Waiting for the end of a system or a process, on every Windows.

The success of a shutdown or a termination is not the end: the exit is. Windows Server 2022 has a call that
waits for it. Before, the service tells it to whoever listened in time; the state shows it to whoever did not.
"""

from __future__ import annotations

import time

from cni_hns.binding.compute import GONE
from cni_hns.binding.compute_errors import OutcomeUnknown
from cni_hns.binding.compute_events import SERVICE_DISCONNECT
from cni_hns.binding.errors import FunctionMissing, Unreachable
from cni_hns.binding.service import COMPUTE_SYSTEM
from cni_hns.binding.texts import json_text
from cni_hns.hcs.answers import document_in
from cni_hns.hcs.documents.processes import ProcessStatus
from cni_hns.hcs.documents.properties import Properties
from cni_hns.hcs.documents.words import State
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.binding.compute import Compute, Held
    from cni_hns.deadline import Deadline

__all__ = ["wait_for_exit"]

# Between two looks at the state.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0

_TIMED_OUT = 0x80370118
_DISCONNECTED = 0x8037011E


def wait_for_exit(compute: Compute, held: Held, deadline: Deadline) -> str:
    """The exit document (SystemExitStatus or ProcessStatus); empty where nobody tells it any more.

    Raises:
        OutcomeUnknown: it has not ended in time.
        Unreachable: the service went away; whether it ended is not known.
    """
    try:
        return compute.wait_for_exit(held, deadline)
    except FunctionMissing:
        return _told_or_seen(compute, held, deadline)
    except GONE:
        return ""


def _told_or_seen(compute: Compute, held: Held, deadline: Deadline) -> str:
    pause_s = _FIRST_PAUSE_S
    while True:
        # Looked at first: it may have ended before anyone listened.
        ended = _seen(compute, held, deadline)
        if ended is None:
            ended = _told(held, min(pause_s, deadline.left_s()))
        if ended is not None:
            return ended
        if deadline.expired:
            raise OutcomeUnknown(f"HcsWaitFor{held.kind.singular}Exit", held.words, _TIMED_OUT)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _told(held: Held, timeout_s: float) -> str | None:
    if held.events is None:
        time.sleep(timeout_s)
        return None
    if not held.events.over_within(timeout_s) or held.events.exit is None:
        return None
    if held.events.exit.type == SERVICE_DISCONNECT:
        raise Unreachable(f"HcsWaitFor{held.kind.singular}Exit", held.words, _DISCONNECTED)
    return held.events.exit.document


def _seen(compute: Compute, held: Held, deadline: Deadline) -> str | None:
    """The exit document as far as the properties have it; None while it has not ended."""
    name = f"HcsGet{held.kind.singular}Properties"
    try:
        text = compute.properties(held, "", deadline)
    except GONE:
        return ""
    if held.kind is not COMPUTE_SYSTEM:
        return text if document_in(text, ProcessStatus, name, held.words).exited else None
    found = document_in(text, Properties, name, held.words)
    if found.state != State.STOPPED and not found.stopped:
        return None
    return json_text({"ExitType": found.exit_type}) if "exit_type" in found.model_fields_set else ""
