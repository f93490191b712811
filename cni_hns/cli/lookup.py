"""Finding an object of HNS by what an operator types: its id, or its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import NotFound
from cni_hns.cli.failure import Failure
from cni_hns.identity import guid

if TYPE_CHECKING:
    from cni_hns.hcn.client import Family

__all__ = ["find"]


def find(family: Family, kind: str, text: str) -> dict[str, Any]:
    """The document of the one object that has this id or name.

    Raises:
        Failure: there is none, or the name fits several; the line lists their ids.
    """
    identifier = guid(text)
    found = [identifier] if identifier else family.ids(Name=text)
    if len(found) > 1:
        raise Failure(
            f'{len(found)} {kind}s are named "{text}"; give one of their ids: {", ".join(sorted(found))}'
        )
    if found:
        try:
            return family.get(found[0])
        except NotFound:
            # Also when it vanished between the two calls: what counts is that it is not there now.
            pass
    raise Failure(f'there is no {kind} with the {"id" if identifier else "name"} "{text}"')
