"""Documents of HCS as they may be shown: a container's environment and credentials are its own."""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.documents import parse, written
from cni_hns.simulator.core.errors import Refused

__all__ = ["without_secrets"]

# Of ProcessParameters, and of ContainerCredentialGuardState; in lower case, for members may be in any.
_SECRET = {"environment", "cookie", "credentialspec"}
_HIDDEN = "***"


def without_secrets(text: str) -> str:
    """The same document with hidden values; empty for a text that cannot be read, which may hold anything."""
    try:
        return written(_shown(parse(text)))
    except Refused:
        return ""


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _hidden(inner) if name.lower() in _SECRET else _shown(inner) for name, inner in value.items()
    }


def _hidden(value: Any) -> Any:
    """The names of an environment say what was set; its values are hidden."""
    return dict.fromkeys(value, _HIDDEN) if isinstance(value, dict) else _HIDDEN
