"""The simulated service: a function's name and texts in, an HRESULT and texts out.

Rule 1: a call is one step of the store, and a refused call changes nothing.
Rule 2: two DLLs have functions of one name: those of computecore.dll are called with `COMPUTECORE` before it,
those of vmcompute.dll with `VMCOMPUTE`; without either they do what hot attach needs. Those of iphlpapi.dll,
which answers while HNS is stopped, have `IP_HELPER` before them. Faults and journal know the name alone.
Rule 3: what a fault makes of a call happens outside of any step, so that a call that hangs or is slow holds
nobody up.
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from cni_hns.simulator.core import endpoints, faults, ip_helper, journal, lifecycle, rest
from cni_hns.simulator.core.callers import Caller, ThisProcess
from cni_hns.simulator.core.documents import folded, parse, written
from cni_hns.simulator.core.errors import (
    ACCESS_DENIED,
    RPC_CALL_FAILED,
    Refused,
    of_old_api,
    record,
    result_error,
)
from cni_hns.simulator.core.functions import WORK
from cni_hns.simulator.core.store import State, Store

__all__ = ["COMPUTECORE", "IP_HELPER", "VMCOMPUTE", "Answer", "Service"]

COMPUTECORE = "computecore!"
VMCOMPUTE = "vmcompute!"
IP_HELPER = "iphlpapi!"
_OF_HCS = (COMPUTECORE, VMCOMPUTE)

_FAR_AHEAD_S = 3600
_LOOK_AGAIN_S = 0.005
_RPC_CODES = range(0x800706BA, 0x800706C0)


class Answer(NamedTuple):
    """What a call gives: HRESULT (unsigned), text or the object's GUID, error record, run of the service."""

    hresult: int
    text: str
    record: str
    generation: int = 0


class Service:
    """All functions of one node."""

    def __init__(self, store: Store, caller: Caller | None = None) -> None:
        """`caller` is the process that calls; this one, if it is not given."""
        self.store = store
        self._caller = caller or ThisProcess()

    def call(self, function: str, arguments: list[str | None], generation: int | None = None) -> Answer:
        """Do one call; `generation` is that of the handle it was made with, if any."""
        with self.store.transaction(counts=True) as state:
            _finish_late(state)
            name = _name(function)
            fault = faults.taken(state, name, _targets(state, name, arguments))
            seq = state.seq
            if fault is None:
                answer = _worked(state, function, arguments, generation, keep_ports=False)
                target = _journal_name(name, arguments, answer)
                journal.begin(state, self._caller.pid, name, target, answer.hresult, sent=arguments)
                return answer
            target = _journal_name(name, arguments, None)
            journal.begin(state, self._caller.pid, name, target, sent=arguments)
        return self._faulty(fault, seq, function, arguments, generation)

    def look(self, function: str, arguments: list[str | None], generation: int | None) -> Answer:
        """The same answer without a call: no fault is for it, and the journal does not have it."""
        with self.store.transaction() as state:
            return _worked(state, function, arguments, generation, keep_ports=False)

    def close(self, function: str, target: str, generation: int | None) -> Answer:
        """A handle was closed; what it named lives on. `generation` is None for one that is not HNS's."""
        with self.store.transaction() as state:
            fault = faults.taken(state, function, [target])
            stale = generation is not None and state.generation != generation
            hresult = int(state.options.stale_close_hresult) if stale else 0
            if fault is not None:
                hresult = fault.hresult or hresult
            journal.closed(state, self._caller.pid, function, target, hresult)
        if fault is not None:
            self._wait(fault)
            if fault.hang:
                self._caller.hang()
            if fault.die:
                self._caller.end()
        return Answer(hresult, "", "")

    def wait(self, seconds: float) -> None:
        """Let the calling process wait so long."""
        self._caller.wait(seconds)

    def finish_late(self) -> None:
        """Do now what the service has not finished yet."""
        with self.store.transaction() as state:
            _finish_late(state, everything=True)

    def _faulty(
        self,
        fault: faults.Fault,
        seq: int,
        function: str,
        arguments: list[str | None],
        generation: int | None,
    ) -> Answer:
        self._wait(fault)
        if fault.hang and fault.late_after_calls is None:
            self._caller.hang()
        self._befall_caller(fault, "before")
        with self.store.transaction() as state:
            _befall(state, fault)
            if fault.late_after_calls is not None:
                due = seq + fault.late_after_calls + 1
                state.run("INSERT INTO late VALUES (NULL, ?, ?, ?)", due, function, json.dumps(arguments))
                answer = _failed(state, function, fault.hresult or RPC_CALL_FAILED, fault.record)
            elif fault.hresult and not fault.took_effect:
                answer = _failed(state, function, fault.hresult, fault.record)
            else:
                answer = _worked(state, function, arguments, generation, fault.keep_ports)
                if fault.hresult:
                    answer = _failed(state, function, fault.hresult, fault.record)
                elif fault.record is not None:
                    answer = answer._replace(record=fault.record)
            journal.end(state, seq, _journal_name(_name(function), arguments, answer), answer.hresult)
        if fault.hang:
            self._caller.hang()
        self._befall_caller(fault, "after")
        return answer

    def _befall_caller(self, fault: faults.Fault, moment: str) -> None:
        if fault.held == moment:
            self._hold(fault)
        if fault.die == moment:
            self._caller.end()

    def _hold(self, fault: faults.Fault) -> None:
        """Until the fault is there no more: whoever injected it lets the call go on."""
        while self.store.rows("SELECT 1 FROM faults WHERE id = ?", fault.number):
            self._caller.wait(_LOOK_AGAIN_S)

    def _wait(self, fault: faults.Fault) -> None:
        if not fault.latency_s:
            return
        if not fault.serial:
            self._caller.wait(fault.latency_s)
            return
        with self.store.transaction() as state:
            now = time.time()
            row = state.row("SELECT busy_until FROM slots")
            # A slot far ahead is a clock that was set back; nobody waits for it.
            begins = max(now, float(row[0])) if row and row[0] - now < _FAR_AHEAD_S else now
            state.run("UPDATE slots SET busy_until = ?", begins + fault.latency_s)
        self._caller.wait(begins + fault.latency_s - now)


def _worked(
    state: State, function: str, arguments: list[str | None], generation: int | None, keep_ports: bool
) -> Answer:
    """The call's own work; a refused one leaves nothing but its mark."""
    of_hcs, of_windows = function.startswith(_OF_HCS), function.startswith(IP_HELPER)
    stopped = state.options.hcs_stopped_hresult if of_hcs else state.options.service_stopped_hresult
    if stopped and not of_windows:
        return Answer(stopped, "", "")
    if of_hcs:
        _bury_the_dead(state)
    state.db.execute("SAVEPOINT work")
    try:
        if of_hcs:
            return _computed(state, function, arguments, generation)
        if of_windows:
            return Answer(0, ip_helper.WORK[_name(function)](state, arguments), "")
        _demand_hns(state, function, generation)
        if keep_ports and function == "HcnDeleteEndpoint":
            endpoints.delete(state, arguments[0] or "", keep_ports=True)
            text = ""
        else:
            text = WORK[function](state, arguments)
    except Refused as refusal:
        state.db.execute("ROLLBACK TO work")
        if refusal.mark is not None:
            state.run(refusal.mark[0], *refusal.mark[1])
        return _failed(state, function, refusal.hresult, None, refusal.reason)
    finally:
        state.db.execute("RELEASE work")
    return Answer(0, text, "", state.generation)


def _demand_hns(state: State, function: str, generation: int | None) -> None:
    """Whether HNS is there for this caller, and for a handle of this run of it."""
    if not state.options.elevated:
        raise Refused(ACCESS_DENIED)
    # A compute system's handle is of HCS, which a restart of HNS leaves alone.
    if not function.startswith("Hcs") and generation is not None and generation != state.generation:
        raise Refused(state.options.stale_handle_hresult)


def _computed(state: State, function: str, arguments: list[str | None], generation: int | None) -> Answer:
    """The work of a function of compute systems, whose rules are loaded when the first one is called."""
    from cni_hns.simulator.core.compute import functions, old_functions, service_properties

    service_properties.demand_service(state, generation)
    work = old_functions.WORK if function.startswith(VMCOMPUTE) else functions.WORK
    text = work[_name(function)](state, arguments)
    return Answer(0, text, "", service_properties.generation_of(state))


def _bury_the_dead(state: State) -> None:
    """Before the step that can be taken back: who died stays dead when this call is refused."""
    from cni_hns.simulator.core.compute import holders

    holders.bury_the_dead(state)


def _name(function: str) -> str:
    return function.removeprefix(COMPUTECORE).removeprefix(VMCOMPUTE).removeprefix(IP_HELPER)


def _failed(state: State, function: str, hresult: int, text: str | None, reason: str = "") -> Answer:
    """A failure with its document; a call that did not get through has none."""
    if text is not None:
        return Answer(hresult, "", text)
    if hresult in _RPC_CODES or function.startswith(IP_HELPER):
        return Answer(hresult, "", "")
    if function.startswith(VMCOMPUTE):
        hresult = of_old_api(hresult)
    if function.startswith(_OF_HCS):
        return Answer(hresult, "", result_error(hresult, reason))
    if function.startswith("Hcs"):
        return Answer(hresult, "", result_error(hresult))
    document = record(hresult)
    if state.version < (9, 0):
        # The code came into the record with a later HNS.
        document = written(
            {name: value for name, value in json.loads(document).items() if name != "ErrorCode"}
        )
    return Answer(hresult, "", document)


def _finish_late(state: State, everything: bool = False) -> None:
    """Work whose caller was answered, or killed, before it was done; what fails now fails unheard."""
    due = "" if everything else f" WHERE due <= {state.seq}"
    for number, function, text in state.rows(f"SELECT id, function, arguments FROM late{due} ORDER BY id"):  # noqa: S608
        _worked(state, function, json.loads(text), None, keep_ports=False)
        state.run("DELETE FROM late WHERE id = ?", number)


def _befall(state: State, fault: faults.Fault) -> None:
    """What happens to the node before the work."""
    if fault.reboot:
        lifecycle.reboot(state, [])
    elif fault.restart:
        lifecycle.restart(state, [])
    for name in fault.vanish:
        lifecycle.lose(state, name)
    if fault.swap:
        lifecycle.swap(state, fault.swap)


def _targets(state: State, function: str, arguments: list[str | None]) -> list[str]:
    """All the names by which a fault may mean this call's object."""
    if not arguments or state.row("SELECT 1 FROM faults LIMIT 1") is None:
        return []
    if function == "HNSCall":
        return [text for text in arguments[:2] if text] + _names_in(arguments[2])
    found = _names_in(arguments[-1])
    for text in arguments[:-1] if len(arguments) > 1 else arguments:
        if text:
            found.append(text)
            for table in ("networks", "endpoints"):
                row = state.row(f"SELECT name FROM {table} WHERE id = ?", text)  # noqa: S608 - our own names
                found += [row[0]] if row else []
    return found


def _names_in(text: str | None) -> list[str]:
    """The GUIDs and names that a document or a query names."""
    try:
        document = parse(text)
    except Refused:
        return []
    found = folded(document, ("ID", "Name", "EndpointId", "ContainerId", "Settings", "Filter"))
    names = [str(found[name]) for name in ("ID", "Name", "EndpointId", "ContainerId") if found.get(name)]
    inner = found.get("Settings")
    if isinstance(inner, dict):
        names += _names_in(json.dumps(inner))
    if isinstance(found.get("Filter"), str):
        names += _names_in(found["Filter"])
    return names


def _journal_name(function: str, arguments: list[str | None], answer: Answer | None) -> str:
    """The object a call was about: its GUID where there is one, else its name."""
    if function == "HNSCall":
        return rest.target_of(arguments[0] or "", arguments[1] or "").encode(errors="replace").decode()
    if function.startswith(("HcnCreate", "HcnEnumerate")) or function in ip_helper.WORK:
        if function.startswith("HcnCreate") and answer is not None and answer.text:
            return answer.text
        return " ".join(_names_in(arguments[-1])) if arguments else ""
    return (arguments[0] or "") if arguments else ""
