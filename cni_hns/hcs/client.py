"""The compute systems of this node: containers and virtual machines, as the Host Compute System has them.

    systems = ComputeSystems(Compute(libraries, log))
    for one in systems.enumerate(SystemQuery(types=(SystemType.CONTAINER,))):
        print(one.id, one.state, systems.statistics(one.id))

Rule: a system is opened, asked and closed at once. Whoever keeps one open keeps it alive.
No verb loads this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.binding.compute_errors import SystemStopped, WrongState
from cni_hns.binding.errors import AccessDenied, MalformedAnswer, ServiceError, SystemNotFound
from cni_hns.binding.texts import json_text
from cni_hns.deadline import Deadline
from cni_hns.hcs.answers import document_in, documents_in
from cni_hns.hcs.documents.properties import Properties
from cni_hns.hcs.documents.service import BasicInformation, ServiceProperties, ServicePropertyQuery
from cni_hns.hcs.documents.words import GetPropertyType, SystemPropertyType
from cni_hns.hcs.processes import CALL_S
from cni_hns.hcs.systems import LIFE_S, STOP_S, OpenSystem, Stopped

if TYPE_CHECKING:
    from cni_hns.binding.compute import Compute
    from cni_hns.hcs.documents.properties import ProcessDetails, Statistics, SystemQuery
    from cni_hns.hcs.documents.results import SystemExitStatus
    from cni_hns.hcs.documents.system import ComputeSystem
    from cni_hns.schema import Schema

__all__ = ["ComputeSystems"]

# HCS says so of an open container that has not yet, or no longer, anything to count; the codes are "element
# not found" and "invalid handle".
_NOTHING_TO_COUNT = (SystemNotFound, SystemStopped, WrongState, AccessDenied)
_NOTHING_TO_COUNT_CODES = (0x80070490, 0x80070006)


class ComputeSystems:
    """All compute systems of one node. Each method opens, asks and closes, but for `create` and `open`.

    `build` is the build of this Windows, where it is known: not every one can change a running container.
    Each call ends within its `timeout_s`, and raises the errors of `cni_hns.binding.compute_errors`.
    """

    def __init__(self, compute: Compute, build: int | None = None) -> None:
        self._compute = compute
        self._build = build

    def enumerate(self, query: SystemQuery | None = None, timeout_s: float = CALL_S) -> list[Properties]:
        """The basic properties of the systems that the query selects; of all without one. A snapshot."""
        text = "" if query is None else json_text(query.to_document())
        found = self._compute.enumerate(text, Deadline(timeout_s))
        return documents_in(found, Properties, "HcsEnumerateComputeSystems")

    def properties(self, system_id: str, *types: SystemPropertyType, timeout_s: float = CALL_S) -> Properties:
        """What the system says of itself. Raises: SystemNotFound, Refused."""
        with self.open(system_id) as system:
            return system.properties(*types, timeout_s=timeout_s)

    def statistics(self, system_id: str, timeout_s: float = CALL_S) -> Statistics | None:
        """What the container used; None while HCS counts nothing: before its start, after its end.

        Raises: SystemNotFound.
        """
        with self.open(system_id) as system:
            try:
                found = system.properties(SystemPropertyType.STATISTICS, timeout_s=timeout_s)
            except _NOTHING_TO_COUNT:
                return None
            except ServiceError as fault:
                if fault.hresult not in _NOTHING_TO_COUNT_CODES:
                    raise
                return None
        return found.statistics

    def processes(self, system_id: str, timeout_s: float = CALL_S) -> tuple[ProcessDetails, ...]:
        """The processes in the container. Raises: SystemNotFound."""
        found = self.properties(system_id, SystemPropertyType.PROCESS_LIST, timeout_s=timeout_s)
        return found.process_list

    def schema_versions(self) -> tuple[Schema, ...]:
        """The schema versions that the service reads: 2.5 stands for 2.0 to 2.5."""
        query = ServicePropertyQuery(property_types=(GetPropertyType.BASIC,))
        text = self._compute.service_properties(json_text(query.to_document()))
        name = "HcsGetServiceProperties"
        answers = document_in(text, ServiceProperties, name).properties
        if not answers or not isinstance(answers[0], dict):
            raise MalformedAnswer(name, "", 0, text)
        return document_in(json_text(answers[0]), BasicInformation, name).supported_schema_versions

    def create(self, system_id: str, document: ComputeSystem, timeout_s: float = LIFE_S) -> OpenSystem:
        """A new system, open, whose events are listened to; it does not run yet.

        What a failed creation leaves is taken away. Raises: AlreadyExists.
        """
        held = self._compute.create(system_id, json_text(document.to_document()), Deadline(timeout_s))
        return OpenSystem(self._compute, held, self._build)

    def open(self, system_id: str, *, listen: bool = False) -> OpenSystem:
        """The system with this ID; with `listen`, its events are kept from now on. Raises: SystemNotFound."""
        return OpenSystem(self._compute, self._compute.open(system_id, listen=listen), self._build)

    def start(self, system_id: str, timeout_s: float = LIFE_S) -> None:
        """Start a system that was created. Raises: SystemNotFound, WrongState."""
        with self.open(system_id) as system:
            system.start(timeout_s)

    def shut_down(self, system_id: str, timeout_s: float = STOP_S) -> SystemExitStatus | None:
        """End it as its own system does, and wait for its exit. Raises: SystemNotFound, OutcomeUnknown."""
        with self.open(system_id, listen=True) as system:
            return system.shut_down(timeout_s)

    def terminate(self, system_id: str, timeout_s: float = STOP_S) -> SystemExitStatus | None:
        """End it by force, and wait for its exit. Raises: SystemNotFound, OutcomeUnknown."""
        with self.open(system_id, listen=True) as system:
            return system.terminate(timeout_s)

    def stop(self, system_id: str, shutdown_s: float = STOP_S, terminate_s: float = STOP_S) -> Stopped:
        """Shut it down, and terminate it if that does not end it; one that is not there is no failure."""
        try:
            system = self.open(system_id, listen=True)
        except (SystemNotFound, SystemStopped):
            return Stopped("not there", None)
        with system:
            return system.stop(shutdown_s, terminate_s)

    def pause(self, system_id: str, timeout_s: float = LIFE_S) -> None:
        """Pause a virtual machine. Raises: SystemNotFound, Refused."""
        with self.open(system_id) as system:
            system.pause(timeout_s)

    def resume(self, system_id: str, timeout_s: float = LIFE_S) -> None:
        """Let a paused virtual machine go on. Raises: SystemNotFound, Refused."""
        with self.open(system_id) as system:
            system.resume(timeout_s)

    def set_processor(
        self,
        system_id: str,
        *,
        count: int | None = None,
        maximum: int | None = None,
        weight: int | None = None,
        timeout_s: float = CALL_S,
    ) -> None:
        """Change its share of the processors, by one of the three.

        Raises: SystemNotFound, Refused, ValueError.
        """
        with self.open(system_id) as system:
            system.set_processor(count=count, maximum=maximum, weight=weight, timeout_s=timeout_s)

    def set_memory(self, system_id: str, size_mb: int, timeout_s: float = CALL_S) -> None:
        """Change its limit of memory, in MB. Raises: SystemNotFound, Refused, ValueError."""
        with self.open(system_id) as system:
            system.set_memory(size_mb, timeout_s)
