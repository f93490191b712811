"""What is told of a crash before the end that follows it.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#CrashReport
"""

from __future__ import annotations

from cni_hns.simulator.core.compute import events
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document, new_guid
from cni_hns.simulator.core.store import State

__all__ = ["PARAMETERS", "tell"]

# The bug check CRITICAL_PROCESS_DIED, and the four values that belong to it.
PARAMETERS = [0xEF, 0, 0, 0, 0]

# Schemas 2.3 and 2.4, by the builds that brought them.
_PARAMETERS_FROM = 19041
_STATUS_FROM = 20348


def tell(state: State, system: System) -> None:
    """That the crash has begun, and then its report: the same, for no dump is written here."""
    report = _report(state, system)
    events.happened(state, events.SYSTEM_CRASH_INITIATED, system.run, report)
    events.happened(state, events.SYSTEM_CRASH_REPORT, system.run, report)


def _report(state: State, system: System) -> Document:
    report: Document = {"SystemId": system.id, "ActivityId": new_guid()}
    if state.options.windows_build >= _PARAMETERS_FROM:
        report["CrashParameters"] = PARAMETERS
    if state.options.windows_build >= _STATUS_FROM:
        report |= {"Status": 0, "PreOSId": 0, "CrashStackUnavailable": True}
    return report
