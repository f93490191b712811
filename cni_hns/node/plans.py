"""The compiled plan of a request's configuration: taken from the ledger where it is known, else compiled.

Rule 1: only a plan that the models have accepted is ever kept, under the digest of its configuration.
Rule 2: of ADDs that meet a new configuration together one compiles it, the others wait. Compiling loads the
models, which is more work than all the rest of an ADD, and a node that starts has all its pods at once.
Rule 3: what is to be noted of a configuration goes to stderr once: from the process whose plan is kept.
"""

from __future__ import annotations

import os
import sys

from cni_hns import __version__
from cni_hns.binding.processes import Owner
from cni_hns.dialects.compile import compile_plan, digest
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.typed import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Ledger
    from cni_hns.node.node import Node

__all__ = ["kept_plan", "plan_for"]

# Whoever compiles for longer is not waited for, and no more than this part of the time that is left.
_PATIENCE_S = 10.0
_PART_OF_WHAT_IS_LEFT = 0.25
_PAUSE_S = 0.05


def plan_for(request: Request, node: Node) -> AttachmentPlan:
    """The plan of this configuration; nothing is written.

    Raises:
        ConfigFault: with every fault of the configuration.
    """
    wanted = _Wanted.of(request)
    ledger = node.ledger_if_any
    plan = wanted.kept(ledger) if ledger is not None else None
    if plan is None:
        plan = wanted.compiled()
        for remark in plan.remarks:
            node.log.event(remark)
    return plan


def kept_plan(request: Request, node: Node) -> AttachmentPlan:
    """The plan of this configuration, kept for the verbs that follow.

    Raises:
        ConfigFault: with every fault of the configuration; nothing is kept.
    """
    wanted = _Wanted.of(request)
    plan = wanted.kept(node.ledger)
    if plan is not None:
        return plan
    if not _takes_the_turn(wanted, node):
        return _of_another(wanted, node) or _keep(wanted, node)
    try:
        # The one before may have ended between the two looks.
        return wanted.kept(node.ledger) or _keep(wanted, node)
    finally:
        node.ledger.forget_fact(wanted.turn)


class _Wanted(NamedTuple):
    """A configuration, this program's own name as far as it tells the dialect, and the digest of both."""

    request: Request
    executable: str
    digest: str

    @classmethod
    def of(cls, request: Request) -> Self:
        # The frozen program may stand in for a peer under the peer's name.
        executable = os.path.basename(sys.executable) if getattr(sys, "frozen", False) else ""
        return cls(request, executable, digest(request.config, executable))

    @property
    def turn(self) -> str:
        """The fact that names the process which compiles this now."""
        return f"compiling {self.digest}"

    def kept(self, ledger: Ledger) -> AttachmentPlan | None:
        document = ledger.plan(self.digest, __version__)
        try:
            return None if document is None else AttachmentPlan.of(document)
        except (KeyError, TypeError):
            return None  # another build of this version has other parts in its plans

    def compiled(self) -> AttachmentPlan:
        return compile_plan(self.request.config, self.executable)


def _keep(wanted: _Wanted, node: Node) -> AttachmentPlan:
    plan = wanted.compiled()
    is_first = node.ledger.keep_plan(wanted.digest, __version__, plan.to_document())
    for remark in plan.remarks:
        if is_first:
            node.log.note(f'configuration "{wanted.request.name}": {remark}')
        else:
            node.log.event(remark)
    return plan


def _takes_the_turn(wanted: _Wanted, node: Node) -> bool:
    """Whether it is for this process to compile; a dead one's turn is over."""
    owner = node.owner
    with node.ledger.transaction():
        if _is_compiled_elsewhere(wanted, node):
            return False
        node.ledger.keep_fact(wanted.turn, owner)
        return True


def _of_another(wanted: _Wanted, node: Node) -> AttachmentPlan | None:
    """The plan that another process compiles; None where it refuses the configuration or takes too long."""
    left_s = node.deadline.left_s()
    ends_s = left_s - min(_PATIENCE_S, left_s * _PART_OF_WHAT_IS_LEFT)
    while node.deadline.left_s() > ends_s and _is_compiled_elsewhere(wanted, node):
        node.pause(_PAUSE_S)
    return wanted.kept(node.ledger)


def _is_compiled_elsewhere(wanted: _Wanted, node: Node) -> bool:
    owner = node.ledger.fact(wanted.turn)
    return owner is not None and node.alive(Owner(*owner))
