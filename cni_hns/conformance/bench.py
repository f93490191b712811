"""What a check works with: calls of the plugin, attachments, and the way to say what was found.

Rule: every attachment that an ADD may have made is deleted by `close`, whatever became of the check.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cni_hns.conformance.chain import Chain
from cni_hns.conformance.configuration import CHAINED
from cni_hns.conformance.findings import Finding, Hung, NotApplicable
from cni_hns.conformance.namespaces import NamespaceFault
from cni_hns.conformance.results import made_up
from cni_hns.conformance.subject import Subject
from cni_hns.conformance.versions import at_least
from cni_hns.conformance.wire import Call, Outcome

__all__ = ["ABSENT", "Added", "Attachment", "Bench", "second_interface"]

T = TypeVar("T")

ABSENT = object()
"""As the value of a member: leave it out."""


@dataclass(frozen=True)
class Attachment:
    """What the variables of one attachment say."""

    container: str
    netns: str
    ifname: str = "eth0"


@dataclass(frozen=True)
class Added:
    """An attachment that an ADD has made."""

    attachment: Attachment
    version: str
    outcome: Outcome

    @property
    def result(self) -> dict[str, Any]:
        return self.outcome.document or {}


@dataclass
class _Attempt:
    """An ADD that may have made something."""

    variables: dict[str, str]
    version: str
    succeeded: bool = True  # until it is known to have failed


class Bench:
    """One check's view of the plugin, which speaks `version` where a call does not say otherwise."""

    def __init__(self, subject: Subject, version: str, check_id: str = "") -> None:
        self.subject = subject
        self.version = version
        self._check_id = check_id
        self._chain = Chain(subject.earlier)
        self.calls: list[Outcome] = []
        self.remarks: list[tuple[str, Outcome | None]] = []
        self._namespaces: list[str] = []
        self._attempts: dict[tuple[str, str], _Attempt] = {}

    # what is sent

    def attachment(self) -> Attachment:
        """A new container with a namespace of its own."""
        name = f"conformance-{os.urandom(6).hex()}"
        return Attachment(name, self.namespace(name))

    def namespace(self, name: str) -> str:
        netns = self.subject.namespaces.make(name)
        self._namespaces.append(netns)
        return netns

    def request(self, version: str | None = None, **members: Any) -> dict[str, Any]:
        """The configuration on stdin, with these members put in or (ABSENT) left out."""
        document = {**self.subject.configuration.request(version or self.version), **members}
        return {key: value for key, value in document.items() if value is not ABSENT}

    def variables(self, command: str, attachment: Attachment | None = None) -> dict[str, str]:
        """What a runtime sets; for a verb without attachment only the command and the path."""
        common = {"CNI_COMMAND": command, "CNI_PATH": self.subject.cni_path}
        if attachment is None:
            return common
        return {
            **common,
            "CNI_CONTAINERID": attachment.container,
            "CNI_NETNS": attachment.netns,
            "CNI_IFNAME": attachment.ifname,
        }

    def call(self, variables: Mapping[str, str], stdin: Mapping[str, Any] | bytes) -> Outcome:
        """One call of the plugin. Raises: Hung where it did not end in time."""
        data = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
        attempt = self._note_attempt(variables, stdin)
        outcome = self.subject.runner(Call(dict(variables), data))
        self.calls.append(outcome)
        if attempt is not None and outcome.exit_code:
            attempt.succeeded = False
        if variables.get("CNI_COMMAND") == "DEL" and outcome.ok:
            self._attempts.pop(_key(variables), None)
        if outcome.exit_code is None:
            raise Hung(f"{outcome.call.command} did not end in {outcome.seconds:.0f} s", outcome)
        return outcome

    def _note_attempt(
        self, variables: Mapping[str, str], stdin: Mapping[str, Any] | bytes
    ) -> _Attempt | None:
        if variables.get("CNI_COMMAND") != "ADD":
            return None
        earlier = self._attempts.get(_key(variables))
        if earlier is not None and earlier.succeeded:
            return None
        stated = None if isinstance(stdin, bytes) else stdin.get("cniVersion")
        attempt = _Attempt(dict(variables), stated if isinstance(stated, str) else self.version)
        self._attempts[_key(variables)] = attempt
        return attempt

    # verbs as a runtime sends them

    def add(
        self,
        attachment: Attachment,
        *,
        version: str | None = None,
        variables: Mapping[str, str] | None = None,
        without: str = "",
        **members: Any,
    ) -> Outcome:
        """ADD, with these variables set otherwise, and the one called `without` not set at all."""
        if self.subject.kind == CHAINED:
            members.setdefault("prevResult", self.previous(attachment, version or self.version))
        sent = {**self.variables("ADD", attachment), **(variables or {})}
        sent.pop(without, None)
        return self.call(sent, self.request(version, **members))

    def previous(self, attachment: Attachment, version: str) -> dict[str, Any]:
        """What the plugins before this one in a chain would have given."""
        if self.subject.previous is not None:
            return {**self.subject.previous, "cniVersion": version}
        if self.subject.earlier:
            variables = self.variables("ADD", attachment)
            return self._chain.result(variables, version)
        mac = self.subject.namespaces.interface(attachment.netns, attachment.ifname)
        return made_up(version, attachment.ifname, attachment.netns, mac)

    def added(
        self, attachment: Attachment | None = None, *, version: str | None = None, **members: Any
    ) -> Added:
        """An attachment that exists.

        Raises:
            Finding: the ADD fails.
            NotApplicable: it fails as it has for an earlier check, and never succeeded.
        """
        wanted = attachment or self.attachment()
        outcome = self.add(wanted, version=version, **members)
        if members:
            self.must(outcome.ok, "the ADD that this check needs failed", outcome)
        else:
            self.judge_plain_add(outcome, version, "the ADD that this check needs failed")
        return Added(wanted, version or self.version, outcome)

    def judge_plain_add(self, outcome: Outcome, version: str | None, message: str) -> None:
        """One failure is told once: what needs the same ADD has nothing to see.

        Raises: Finding, NotApplicable.
        """
        spoken = version or self.version
        if outcome.ok:
            self.subject.able_to_add.add(spoken)
            return
        if spoken in self.subject.able_to_add:
            raise Finding(message, outcome)
        first = self.subject.unable_to_add.setdefault(spoken, self._check_id)
        if first != self._check_id:
            raise NotApplicable(f"it needs an ADD, and none in {spoken} succeeds: see {first}")
        raise Finding(message, outcome)

    def sample(self, version: str | None = None) -> Outcome:
        """The outcome of an ADD of this version whose attachment is gone again; made once in a run."""
        spoken = version or self.version
        if spoken not in self.subject.samples:
            made = self.added(version=spoken)
            self.subject.samples[spoken] = made.outcome
            self.delete(made)
        return self.subject.samples[spoken]

    def delete(self, what: Added | Attachment, *, variables: Mapping[str, str] | None = None) -> Outcome:
        """DEL, with `prevResult` where libcni has one to give."""
        attachment, version = (
            (what.attachment, what.version) if isinstance(what, Added) else (what, self.version)
        )
        members = (
            {"prevResult": what.result} if isinstance(what, Added) and at_least(version, "0.4.0") else {}
        )
        sent = {**self.variables("DEL", attachment), **(variables or {})}
        return self.call(sent, self.request(version, **members))

    def deleted(self, what: Added | Attachment, **more: Any) -> Outcome:
        """A DEL that succeeds. Raises: Finding where it fails."""
        outcome = self.delete(what, **more)
        if not outcome.ok:
            raise Finding("the DEL that this check needs failed", outcome)
        return outcome

    def check(self, made: Added, **members: Any) -> Outcome:
        """CHECK with the ADD's own result, or what `prevResult` is given."""
        asked = {"prevResult": made.result, **members}
        return self.call(self.variables("CHECK", made.attachment), self.request(made.version, **asked))

    def status(self, **members: Any) -> Outcome:
        return self.call(self.variables("STATUS"), self.request(**members))

    def gc(self, valid: Sequence[Added], **members: Any) -> Outcome:
        listed = [{"containerID": one.attachment.container, "ifname": one.attachment.ifname} for one in valid]
        return self.call(
            self.variables("GC"), self.request(**{"cni.dev/valid-attachments": listed, **members})
        )

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """All at once; what each gave, in their order."""
        results: dict[int, T] = {}
        faults: list[BaseException] = []

        def work(number: int, call: Callable[[], T]) -> None:
            try:
                results[number] = call()
            except BaseException as fault:  # it is raised where it is waited for
                faults.append(fault)

        threads = [threading.Thread(target=work, args=numbered) for numbered in enumerate(calls)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            # Also when interrupted: what a call is still making, nobody could delete.
            for thread in threads:
                thread.join()
        if faults:
            raise faults[0]
        return [results[number] for number in range(len(calls))]

    # what is found

    def must(self, condition: object, message: str, outcome: Outcome | None = None) -> None:
        """Raises: Finding where the condition does not hold."""
        if not condition:
            raise Finding(message, outcome)

    def refused(self, outcome: Outcome, what: str, code: int | None = None) -> None:
        """The call must have failed; another code than the specification's is worth a remark.

        Raises: Finding where it succeeded.
        """
        if outcome.ok:
            raise Finding(f"{what} was accepted with exit code 0", outcome)
        if code is not None and outcome.error_code not in (None, code):
            self.remark(
                f"{what} gave code {outcome.error_code}, the specification has {code} for it", outcome
            )

    def remark(self, message: str, outcome: Outcome | None = None) -> None:
        """Worth knowing, but no failure."""
        self.remarks.append((message, outcome))

    def needs_removable_namespaces(self) -> None:
        if not self.subject.namespaces.removable:
            raise NotApplicable("the namespaces of this run cannot be taken away under a container")

    def take_away(self, netns: str) -> None:
        """End a namespace under whoever is in it."""
        self._namespaces.remove(netns)
        self.subject.namespaces.remove(netns)

    # the end

    def close(self) -> list[str]:
        """Delete what was added, then its namespaces; what could not be, a line each."""
        left = [line for attempt in list(self._attempts.values()) for line in self._undo(attempt)]
        left += self._chain.close()
        for netns in self._namespaces:
            try:
                self.subject.namespaces.remove(netns)
            except NamespaceFault as fault:
                left.append(f"namespace {netns}: {fault}")
        self._namespaces.clear()
        return left

    def _undo(self, attempt: _Attempt) -> list[str]:
        """A runtime sends DEL after a failed ADD too (CNI SPEC, section 3, "Lifecycle & Ordering")."""
        named = attempt.variables.get("CNI_CONTAINERID") and attempt.variables.get("CNI_IFNAME")
        if not (attempt.succeeded or named):
            return []
        variables = {**attempt.variables, "CNI_COMMAND": "DEL"}
        succeeded = attempt.succeeded
        # A version that the plugin itself refused to speak is no version to delete with.
        version = attempt.version if attempt.version in self.subject.reported else self.version
        try:
            outcome = self.call(variables, self.request(version))
        except Hung as hung:
            return [f"{_words(variables)}: {hung}"]
        if outcome.ok or not succeeded:
            return []
        return [f"{_words(variables)}: DEL failed: {outcome.error_text or 'exit code and nothing more'}"]


def second_interface(attachment: Attachment, ifname: str = "eth1") -> Attachment:
    """The same container's next interface."""
    return replace(attachment, ifname=ifname)


def _key(variables: Mapping[str, str]) -> tuple[str, str]:
    return variables.get("CNI_CONTAINERID", ""), variables.get("CNI_IFNAME", "")


def _words(variables: Mapping[str, str]) -> str:
    return f"container {variables.get('CNI_CONTAINERID')}, interface {variables.get('CNI_IFNAME')}"
