"""All objects of a kind, for those who look at a whole node. No verb does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.hcn.client import Family

__all__ = ["every"]


def every(family: Family, **query: object) -> Iterator[dict[str, Any]]:
    """The documents of all objects that fit the query; one that vanishes meanwhile is left out."""
    for identifier in family.ids(**query):
        try:
            yield family.get(identifier)
        except NotFound:
            continue
