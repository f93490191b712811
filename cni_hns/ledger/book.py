"""The ledger of one node: attachments, leases, and what was learnt, in one SQLite file."""

from __future__ import annotations

from cni_hns.ledger.attachments import Attachments
from cni_hns.ledger.knowledge import Knowledge
from cni_hns.ledger.leases import Leases

__all__ = ["Ledger"]


class Ledger(Attachments, Leases, Knowledge):
    """An open ledger. Each reading method sees the newest state; writing ones join an open transaction."""
