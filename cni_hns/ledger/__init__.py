"""The SQLite store of one node: attachments, leases, what is half done.

SQLite itself is loaded when a ledger is opened: who only catches its errors does not pay for it.
"""

from __future__ import annotations

from cni_hns.ledger.errors import LedgerBusy, LedgerFault
from cni_hns.ledger.rows import AttachmentKey, AttachmentRow, Claim, KnownNetwork, Lease
from cni_hns.typed import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.deadline import Deadline
    from cni_hns.ledger.book import Ledger

__all__ = [
    "AttachmentKey",
    "AttachmentRow",
    "Claim",
    "KnownNetwork",
    "Lease",
    "Ledger",
    "LedgerBusy",
    "LedgerFault",
    "open_ledger",
    "see_that_one_can_be_made",
]


@overload
def open_ledger(
    path: str, deadline: Deadline, create: Literal[True] = True, *, boot_id: Callable[[], str] | None = None
) -> Ledger: ...
@overload
def open_ledger(
    path: str, deadline: Deadline, create: bool, *, boot_id: Callable[[], str] | None = None
) -> Ledger | None: ...
def open_ledger(
    path: str, deadline: Deadline, create: bool = True, *, boot_id: Callable[[], str] | None = None
) -> Ledger | None:
    """The ledger in this file, made if it is not there; with `create` false None is the answer then.

    All its waiting for other processes is taken from `deadline`. `boot_id` names the machine's boot, for the
    ledger's clock; without it the boot in which it was written last goes on.

    Raises:
        LedgerFault: damaged, made by a newer program, or out of reach: `str()` says which, and what to do.
        LedgerBusy: other processes kept it locked for longer than the deadline allows.
    """
    from cni_hns.ledger.book import Ledger
    from cni_hns.ledger.opening import connected

    connection = connected(path, deadline, create)
    return None if connection is None else Ledger(connection, path, deadline, boot_id)


def see_that_one_can_be_made(path: str) -> None:
    """Where there is no ledger yet: whether `open_ledger` could make it.

    Raises:
        LedgerFault: it could not: `str()` says why, and what to do.
    """
    from cni_hns.ledger.opening import see_that_one_can_be_made as see

    see(path)


def __getattr__(name: str) -> Any:
    if name == "Ledger":
        from cni_hns.ledger.book import Ledger

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
