"""Which addresses an endpoint gets, and which HNS refuses.

Local endpoints of a network hold different addresses; a remote endpoint may hold the same one as a local
endpoint (reported to kubernetes). The network's first and last address and its gateway are reserved. HNS's
own choice is random, in the addresses as in the MACs: the first endpoint of a fresh network was seen far
from the lowest address.
"""

from __future__ import annotations

from cni_hns.simulator.core.documents import Document, folded, guid_of, list_of, number_of, text_member
from cni_hns.simulator.core.errors import (
    INVALID_IP,
    INVALID_PREFIX,
    SUBNET_NOT_FOUND,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.macs import below
from cni_hns.simulator.core.prefixes import Address, address
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import Range, ranges, subnets
from cni_hns.simulator.core.versions import has_feature

__all__ = ["assign", "hold", "release"]

_TRIES = 64


def assign(state: State, network: Document, given: Document, remote: bool) -> list[Document]:
    """The IpConfigurations of a new endpoint, complete; nothing is held yet.

    Raises:
        Refused: an address outside the subnets, reserved, held by another, or none left.
    """
    wanted = [_read(item) for item in list_of(given, "IpConfigurations")]
    wanted = [item for item in wanted if item["IpAddress"]]
    if remote:
        return [_remote(state, network, item) for item in wanted]
    spaces = list(ranges(network))
    found = [_local(state, network, spaces, item) for item in wanted]
    _one_of_each(state, found)
    families = {_family(item) for item in found}
    return found + [
        _chosen(state, network, [space for space in spaces if space.prefix.version == version])
        for version in _missing(state, spaces, families)
    ]


def hold(state: State, network: str, endpoint: str, configurations: list[Document], remote: bool) -> None:
    """Write down who has the addresses."""
    for item in configurations:
        value = address(item["IpAddress"])
        if value is not None:
            state.run(
                "INSERT INTO addresses VALUES (?, ?, ?, ?, NULL)",
                network,
                value.packed,
                int(remote),
                endpoint,
            )


def release(state: State, endpoint: str) -> None:
    """Give the endpoint's addresses back; by option they stay set aside for some calls."""
    delay = state.options.address_reuse_after_calls
    if delay:
        state.run("UPDATE addresses SET free_at = ? WHERE endpoint = ?", state.seq + delay, endpoint)
    else:
        state.run("DELETE FROM addresses WHERE endpoint = ?", endpoint)


def _read(given: Document) -> Document:
    item = folded(given, ("IpAddress", "PrefixLength", "IpSubnetId"))
    subnet = item.get("IpSubnetId")
    return {
        "IpAddress": text_member(item, "IpAddress"),
        "PrefixLength": number_of(item.get("PrefixLength", 0), "PrefixLength", 8),
        "IpSubnetId": guid_of(subnet) if subnet else "",
    }


def _family(item: Document) -> int:
    value = address(item["IpAddress"])
    return value.version if value is not None else 0


def _valid(item: Document) -> Address:
    value = address(item["IpAddress"])
    if value is None:
        raise Refused(INVALID_IP, f"{item['IpAddress']!r} is no address")
    if item["PrefixLength"] > value.max_prefixlen:
        raise Refused(INVALID_PREFIX, f"/{item['PrefixLength']}")
    return value


def _remote(state: State, network: Document, item: Document) -> Document:
    """A remote endpoint lives on another node: its address need not lie in this network's subnets."""
    value = _valid(item)
    if state.options.duplicate_remote_hresult and _holder(state, network, value, 1):
        refuse_unless_zero(state.options.duplicate_remote_hresult, f"{value} is another remote endpoint's")
    space = next((space for space in ranges(network) if value in space.prefix), None)
    length = item["PrefixLength"] or (space.prefix.prefixlen if space else value.max_prefixlen)
    return _configuration(value, length, space)


def _local(state: State, network: Document, spaces: list[Range], item: Document) -> Document:
    value = _valid(item)
    if not spaces and network["Type"] == "Transparent":
        # An external DHCP server's subnet is unknown to HNS: the address is taken as it is.
        return _configuration(value, item["PrefixLength"] or value.max_prefixlen, None)
    if not any(True for _ in subnets(network)):
        raise Refused(SUBNET_NOT_FOUND, f"{value}: the network has no subnet")
    inside = [space for space in spaces if value in space.prefix]
    space = next((each for each in inside if each.ip_subnet_id == item["IpSubnetId"]), None)
    space = space or next(iter(inside), None)
    if space is None:
        raise Refused(INVALID_IP, f"{value} lies in none of the subnets")
    _refuse_reserved(state, space, value)
    if _holder(state, network, value, 0):
        refuse_unless_zero(state.options.duplicate_address_hresult, f"{value} is another endpoint's")
    length = item["PrefixLength"] or space.prefix.prefixlen
    # An address alone as the prefix: only in the version ranges that have it.
    if (
        length == value.max_prefixlen
        and space.prefix.prefixlen != length
        and not has_feature("HostPrefix", state.version)
    ):
        raise Refused(INVALID_PREFIX, f"/{length} is not in HNS {state.version[0]}.{state.version[1]}")
    return _configuration(value, length, space)


def _refuse_reserved(state: State, space: Range, value: Address) -> None:
    if value in space.reserved:
        refuse_unless_zero(state.options.reserved_address_hresult, f"{value} is reserved")
    if value == space.gateway and space.gateway_reserved:
        refuse_unless_zero(state.options.gateway_address_hresult, f"{value} is the gateway")


def _holder(state: State, network: Document, value: Address, remote: int) -> bool:
    row = state.row(
        "SELECT 1 FROM addresses WHERE network = ? AND packed = ? AND remote = ? "
        "AND (free_at IS NULL OR free_at > ?) LIMIT 1",
        network["ID"],
        value.packed,
        remote,
        state.seq,
    )
    return row is not None


def _one_of_each(state: State, found: list[Document]) -> None:
    families = [_family(item) for item in found]
    if len(set(families)) < len(families):
        refuse_unless_zero(state.options.second_address_hresult, "two addresses of one family")


def _missing(state: State, spaces: list[Range], families: set[int]) -> list[int]:
    """The families for which HNS chooses an address: all that the network has, if the caller named none."""
    offered = sorted({space.prefix.version for space in spaces})
    if families and not state.options.dual_stack_completes:
        return []
    return [version for version in offered if version not in families]


def _chosen(state: State, network: Document, spaces: list[Range]) -> Document:
    for space in spaces:
        for _ in range(_TRIES):
            value = space.prefix[below(space.prefix.num_addresses)]
            if _usable(state, network, space, value):
                return _configuration(value, space.prefix.prefixlen, space)
    for space in spaces:
        first = _first_usable(state, network, space)
        if first is not None:
            return _configuration(first, space.prefix.prefixlen, space)
    raise Refused(state.options.pool_exhausted_hresult, "every address is taken")


def _usable(state: State, network: Document, space: Range, value: Address) -> bool:
    if value in space.reserved or (value == space.gateway and space.gateway_reserved):
        return False
    return not _holder(state, network, value, 0)


def _first_usable(state: State, network: Document, space: Range) -> Address | None:
    """Used only where random tries found nothing: the subnet is full or nearly so, hence small."""
    held = {
        packed
        for (packed,) in state.rows(
            "SELECT packed FROM addresses WHERE network = ? AND remote = 0 "
            "AND (free_at IS NULL OR free_at > ?)",
            network["ID"],
            state.seq,
        )
    }
    for value in space.prefix:
        if value.packed not in held and _usable(state, network, space, value):
            return value
    return None


def _configuration(value: Address, length: int, space: Range | None) -> Document:
    item: Document = {"IpAddress": str(value), "PrefixLength": length}
    if space is not None:
        item["IpSubnetId"] = space.ip_subnet_id
    return item
