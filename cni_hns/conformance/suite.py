"""A run: one check after the other, and everything cleaned up behind each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import Finding, Hung, NotApplicable
from cni_hns.conformance.namespaces import NamespaceFault, TooFewNamespaces
from cni_hns.conformance.registry import MUST, Check
from cni_hns.conformance.subject import Subject
from cni_hns.conformance.verdicts import FAIL, NOT_APPLICABLE, PASS, REMARK, Verdict
from cni_hns.conformance.wire import NotStarted, Outcome

__all__ = ["Suite", "Summary", "Watcher"]


class Watcher(Protocol):
    """Is told how the run goes on."""

    def begins(self, check: Check, number: int, total: int) -> None: ...

    def ended(self, verdict: Verdict) -> None: ...


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    verdicts: tuple[Verdict, ...]
    left_over: tuple[str, ...]
    """What could not be deleted again."""

    def count(self, status: str) -> int:
        return sum(verdict.status == status for verdict in self.verdicts)

    @property
    def ok(self) -> bool:
        """Nothing failed, nothing is left over, and something was found right."""
        found_right = self.count(PASS) + self.count(REMARK) > 0
        return found_right and not self.count(FAIL) and not self.left_over


class Suite:
    """These checks of this plugin."""

    def __init__(self, subject: Subject, checks: Sequence[Check]) -> None:
        self.left_over: list[str] = []
        self._subject = subject
        self._checks = checks

    def run(self, watcher: Watcher) -> Summary:
        """Run them all; what was added is deleted also when the run is interrupted.

        Raises:
            NotStarted: the plugin's program cannot be started.
            NamespaceFault: no namespace can be had.
        """
        verdicts = []
        for number, check in enumerate(self._checks, start=1):
            watcher.begins(check, number, len(self._checks))
            verdict = self._judge(check)
            verdicts.append(verdict)
            watcher.ended(verdict)
        return Summary(tuple(verdicts), tuple(self.left_over))

    def _judge(self, check: Check) -> Verdict:
        began = time.monotonic()
        bench = None
        try:
            self._require_applicable(check)
            bench = Bench(self._subject, self._subject.version_for(check.since), check.id)
            status, message, outcome = _outcome_of(check, bench)
        except NotApplicable as reason:
            status, message, outcome = NOT_APPLICABLE, str(reason), None
        finally:
            steps = tuple(call.headline() for call in bench.calls) if bench else ()
            self.left_over += bench.close() if bench else []
        seconds = time.monotonic() - began
        return Verdict(check, status, message, seconds, tuple(outcome.describe()) if outcome else (), steps)

    def _require_applicable(self, check: Check) -> None:
        kind = self._subject.kind
        if kind in check.not_for:
            raise NotApplicable(check.not_for[kind])
        if check.takes_from_others and not self._subject.unused_network:
            raise NotApplicable(
                f'GC takes away whatever others hold on the network "{self._subject.configuration.name}": '
                "say --unused-network where nobody else uses it"
            )


def _outcome_of(check: Check, bench: Bench) -> tuple[str, str, Outcome | None]:
    """Status, message, and the call that shows it."""
    try:
        check.run(bench)
    except (Hung, Finding) as finding:
        shown = finding.outcome or (bench.calls[-1] if bench.calls else None)
        failed = check.level == MUST or isinstance(finding, Hung)
        return FAIL if failed else REMARK, str(finding), shown
    except TooFewNamespaces as fault:
        raise NotApplicable(str(fault)) from fault
    except (NotApplicable, NotStarted, NamespaceFault):
        raise
    if bench.remarks:
        message = "; ".join(text for text, _ in bench.remarks)
        return REMARK, message, next((outcome for _, outcome in bench.remarks if outcome), None)
    return PASS, "", None
