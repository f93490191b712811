"""An ADD of an attachment that is there: the stored result for the same request, an error for another."""

from __future__ import annotations

import json

from cni_hns.cni.errors import INVALID_CONFIG, CniError
from cni_hns.cni.result import parse
from cni_hns.hcn.documents import add_endpoint
from cni_hns.typed import TYPE_CHECKING
from cni_hns.verbs.addresses import RESULT_VERSION
from cni_hns.verbs.endpoints import look_at

if TYPE_CHECKING:
    from cni_hns.cni.result import Result
    from cni_hns.ledger import Attachment
    from cni_hns.verbs.addition import Addition

__all__ = ["stored_result"]


def stored_result(adding: Addition, row: Attachment) -> Result | None:
    """What the first ADD answered; None where HNS has lost the endpoint, which is then to be made again.

    An endpoint that was taken out of its namespace is put back: the result says that it is there.

    Raises:
        CniError: code 7, for another namespace or another request; nothing is changed.
        ServiceError: HNS could not say whether the endpoint exists; nothing is changed.
    """
    _refuse_another(adding, row)
    view = look_at(adding.node, adding.endpoint_id)
    if view is None:
        adding.node.log.event(
            f"endpoint {row.endpoint_id} of {row.key.words()} is gone from HNS, not by this plugin; "
            "it is made again with its ID, addresses and MAC",
            "warning",
        )
        return None
    if view.namespace != adding.namespace_id:
        with adding.node.hcn.namespaces.open(adding.namespace_id) as namespace:
            namespace.modify(add_endpoint(view.id))
    document = json.loads(row.result or "{}")
    return parse(document, RESULT_VERSION)


def _refuse_another(adding: Addition, row: Attachment) -> None:
    if row.namespace_id != adding.namespace_id:
        raise CniError(
            INVALID_CONFIG,
            f"{row.key.words()} exists in namespace {row.namespace_id}; "
            f"this ADD names namespace {adding.namespace_id}",
            "nothing was changed; DEL comes between two ADDs of one attachment",
        )
    # After a rebuild of the ledger nobody knows what was asked: the endpoint that is there is the answer.
    if row.fingerprint is not None and row.fingerprint != adding.fingerprint:
        there, asked = json.loads(row.fingerprint), json.loads(adding.fingerprint)
        other = sorted(part for part in asked if asked[part] != there.get(part))
        raise CniError(
            INVALID_CONFIG,
            f"{row.key.words()} exists for another request: {', '.join(other)} differ",
            f"there: {_parts(there, other)}; asked: {_parts(asked, other)}; nothing was changed; "
            "DEL comes between two ADDs of one attachment",
        )


def _parts(fingerprint: dict[str, object], names: list[str]) -> str:
    return json.dumps({name: fingerprint.get(name) for name in names}, sort_keys=True)
