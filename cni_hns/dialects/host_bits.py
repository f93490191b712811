"""Prefixes with host bits, which the peers' plugins hand to HNS as they are: HNS takes them, masked.

In a configuration of ours they are a fault: whoever wrote 10.1.0.7/24 may have meant 10.1.0.7/32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cni_hns.typed import Any

from . import fields

__all__ = ["masked", "masked_settings"]

# Settings that hold one prefix, a list of them, or several in one text.
_ONE = ("DestinationPrefix",)
_LISTED = ("Exceptions", "Destinations")
_JOINED = ("LocalAddresses", "RemoteAddresses")


def masked(value: object, say: Callable[[str], object]) -> object:
    """The prefix without its host bits, after saying so; anything else as it is."""
    try:
        network = fields.network_around(value)
    except ValueError:
        return value  # the models will say what is wrong
    text = str(value).strip()
    if fields.address(text.partition("/")[0]) == network.network_address:
        return value
    say(f"{text} has host bits set; {network} is used")
    return str(network)


def masked_settings(settings: Mapping[str, Any], say: Callable[[str], object]) -> dict[str, Any]:
    """The settings of a policy with every prefix masked."""
    return {key: _masked_setting(key, value, say) for key, value in settings.items()}


def _masked_setting(key: str, value: Any, say: Callable[[str], object]) -> Any:
    def said(text: str) -> None:
        say(f"{key}: {text}")

    if key in _ONE:
        return masked(value, said)
    if key in _LISTED and isinstance(value, list):
        return [masked(each, said) for each in value]
    if key in _JOINED and isinstance(value, str) and "/" in value:
        return ",".join(str(masked(each, said)) for each in value.split(","))
    return value
