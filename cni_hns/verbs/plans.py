"""The compiled plan of a request's configuration: taken from the ledger where it is known, else compiled."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from cni_hns import __version__
from cni_hns.dialects.compile import compile_plan, digest
from cni_hns.dialects.plan import AttachmentPlan

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Ledger
    from cni_hns.log import Log

__all__ = ["KnownPlan", "keep", "plan_for"]


class KnownPlan(NamedTuple):
    """A plan, the digest of the configuration it was compiled from, and whether the ledger has it."""

    plan: AttachmentPlan
    digest: str
    kept: bool


def plan_for(request: Request, ledger: Ledger | None, log: Log) -> KnownPlan:
    """The plan of this configuration. Only one that the models have accepted is ever kept, under its digest.

    Raises:
        ConfigFault: with every fault of the configuration.
    """
    executable = _own_name()
    name = digest(request.config, executable)
    kept = ledger.plan(name, __version__) if ledger is not None else None
    if kept is not None:
        return KnownPlan(AttachmentPlan.of(kept), name, kept=True)
    plan = compile_plan(request.config, executable)
    for remark in plan.remarks:
        log.event(remark, "info")
    return KnownPlan(plan, name, kept=False)


def _own_name() -> str:
    """The frozen program's file name: it may stand in for a peer under the peer's name."""
    return os.path.basename(sys.executable) if getattr(sys, "frozen", False) else ""


def keep(known: KnownPlan, ledger: Ledger) -> None:
    """Keep the plan for the next verb; called inside a write transaction that is due anyway."""
    if not known.kept:
        ledger.keep_plan(known.digest, __version__, known.plan.to_document())
