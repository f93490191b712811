"""The names of cluster-wide pools, as a network configuration and an agent's settings have them."""

from __future__ import annotations

import re

from cni_hns.dialects import fields

__all__ = ["pool_names"]

# Kubernetes' names of objects: https://kubernetes.io/docs/concepts/overview/working-with-objects/names
_OBJECT_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
# Blocks are named after their pool: with an address behind it the name is still one of Kubernetes'.
_LONGEST = 63
_MOST = 2


def pool_names(value: object) -> tuple[str, ...]:
    """The name of one pool, or a list of them: one for each address family.

    Raises: ValueError: it is neither.
    """
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(_OBJECT_NAME, name) or len(name) > _LONGEST:
            raise ValueError(f"{fields.shown(name)} is no pool's name: lower-case letters, digits, - and .")
    if not names or len(set(names)) < len(names) or len(names) > _MOST:
        raise ValueError("one pool is expected, or two: one for each address family")
    return tuple(names)
