"""The HCN network that an operator asks for: by options, by a configuration, or by one changed by the other.

Whatever the source, it becomes a native configuration and goes through its checks.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

import click

from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cni.protocol import LATEST
from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.recognise import NATIVE

__all__ = ["NetworkOptions", "network_to_create"]


class NetworkOptions(NamedTuple):
    """What was given on the command line; None and () where nothing was."""

    name: str | None
    mode: str | None
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    adapter: str | None
    vsid: int | None


def network_to_create(options: NetworkOptions, config: str | None) -> dict[str, Any]:
    """The HostComputeNetwork document to send.

    Raises:
        click.UsageError: neither says enough.
        ConfigFault: with everything that is wrong with it.
    """
    configured = _configured(plugin_configuration(config)) if config else {}
    if "document" in configured and not any(options):
        return dict(configured["document"])
    network = {**configured.get("network", {}), **_given(options), "create": True}
    missing = [f"--{key}" for key in ("name", "mode") if key not in network]
    if missing:
        raise click.UsageError(f"{' and '.join(missing)} missing (or name a configuration by --config)")
    native = {"cniVersion": LATEST, "name": "cli", "type": NATIVE, "network": network, "ipam": {}}
    return compile_plan(native).network.create or {}


def _configured(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration's network: its own document where it has one, and as a native `network` object."""
    plan = compile_plan(config)
    document = {"document": plan.network.create} if plan.network.create else {}
    written = config.get("network")
    if isinstance(written, dict):
        return {**document, "network": {**written, "name": plan.network.name}}
    # A peer's configuration names a network that somebody else makes; the pods' ranges tell its subnet.
    subnets = {subnet.prefix: subnet.gateway for subnet in plan.network.subnets}
    if not subnets:
        subnets = {one.subnet: one.gateway for ranges in plan.ipam.range_sets for one in ranges}
    network = {
        "name": plan.network.name,
        "mode": plan.network.mode,
        "subnets": [_subnet(prefix, gateway) for prefix, gateway in subnets.items()],
    }
    return {**document, "network": network}


def _given(options: NetworkOptions) -> dict[str, Any]:
    given: dict[str, Any] = {
        key: value
        for key, value in (("name", options.name), ("mode", options.mode), ("adapter", options.adapter))
        if value is not None
    }
    if options.vsid is not None:
        given["vsid"] = options.vsid
    if options.gateways and not options.subnets:
        raise click.UsageError("--gateway needs the --subnet it lies in")
    if options.subnets:
        given["subnets"] = _subnets(options.subnets, options.gateways)
    return given


def _subnets(prefixes: tuple[str, ...], gateways: tuple[str, ...]) -> list[dict[str, str]]:
    """Each prefix with the gateway that lies in it."""
    left = list(gateways)
    subnets = []
    for prefix in prefixes:
        inside = [gateway for gateway in left if _lies_in(gateway, prefix)]
        left = [gateway for gateway in left if gateway not in inside[:1]]
        subnets.append(_subnet(prefix, inside[0] if inside else None))
    if left:
        words = f"--gateway {', '.join(left)} lies in no --subnet, or in one that has a gateway already"
        raise click.UsageError(words)
    return subnets


def _subnet(prefix: str, gateway: str | None) -> dict[str, str]:
    return {"prefix": prefix, "gateway": gateway} if gateway else {"prefix": prefix}


def _lies_in(gateway: str, prefix: str) -> bool:
    try:
        return ip_address(gateway) in ip_network(prefix, strict=False)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from fault
