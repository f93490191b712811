"""One look at the node, as the commands take it that join all its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.cli.cri import told_by
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_notes

if TYPE_CHECKING:
    from cni_hns.cli.session import Session
    from cni_hns.survey.seen import Seen

__all__ = ["look_at_node"]


def look_at_node(
    session: Session, cri: str | None, timeout_s: float, data_dir: str | None, config: str | None
) -> Seen:
    """What its sources say; those that did not answer are noted on stderr.

    Raises:
        Failure: nobody answered.
    """
    from cni_hns.survey.look import Apart, look, systems_apart

    node = session.node_with_ledger(data_dir, config)
    apart = Apart(timeout_s, session.node_apart)
    seen = look(node, lambda: systems_apart(apart), told_by(cri, timeout_s), apart)
    if seen.is_blind:
        raise Failure(seen.notes[0])
    print_notes(seen.notes)
    return seen
