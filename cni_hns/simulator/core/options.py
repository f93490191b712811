"""What a simulated node can be told to be: what no public evidence settles about HNS is a named option.

An option that ends in `_hresult` is the code for that case; 0 means that the service lets it pass.
The default is what the evidence suggests; the line beside it says why.
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.errors import (
    ADDRESS_RESERVED,
    ALREADY_EXISTS,
    ELEMENT_NOT_FOUND,
    ENDPOINT_NOT_ATTACHED,
    IN_A_NAMESPACE,
    INVALID_ENDPOINT,
    INVALID_JSON_REFERENCE,
    INVALID_NETWORK,
    INVALID_NETWORK_TYPE,
    INVALID_POLICY,
    INVALID_REMOTE_OPERATION,
    INVALID_SUBNET,
    NOT_SUPPORTED,
    OBJECT_ALREADY_EXISTS,
    PARAMETER_INCORRECT,
    POLICY_ALREADY_EXISTS,
    PORT_ALREADY_EXISTS,
    PORT_NOT_FOUND,
    REQUEST_UNSUPPORTED,
    RPC_SERVER_UNAVAILABLE,
    SYSTEM_NOT_FOUND,
)
from cni_hns.simulator.core.versions import Version

__all__ = ["OPTIONS", "Options", "checked"]

_ONE_ADAPTER = {
    "name": "Ethernet",
    "kind": "physical",
    "address": "192.0.2.10",
    "dns": ["192.0.2.53"],
    "suffix": "node.example",
}

OPTIONS: dict[str, tuple[Any, str]] = {
    # The node
    "hns_version": (
        [16, 0],
        "Windows Server 2025, updated: the newest that was seen, without the fault of 15.4 in load balancers",
    ),
    "adapters": (
        [_ONE_ADAPTER],
        "one physical adapter with an address: what a plain node has; kind is physical, wifi or virtual; "
        "mtu, prefix (its length) and gateway are 1500, 24 and none where it does not say, mac one that "
        'follows from the address; also: further addresses, as "fd00::10/64"',
    ),
    "elevated": (True, "a caller without administrator's rights is refused everything"),
    "service_stopped_hresult": (0, "HNS is not running: 0x80070426 and 0x800706BA have both been seen"),
    "hns_uptime_s": (3600, "for how long the service runs; what it says in its first minute proves nothing"),
    "excluded_ports": (
        [],
        "[protocol, first, last] ranges that the host holds; mapping one is refused, and a node port of a "
        "load balancer",
    ),
    "dynamic_ports": (
        [[6, 49152, 65535], [17, 49152, 65535]],
        "[protocol, first, last] ranges from which Windows gives ports; no program asks for just these",
    ),
    "services": (
        {},
        "what the service manager says of a service instead, by name: hns and vmcompute run while they "
        "answer",
    ),
    "disk_bytes": ([], "[total, free] of every disk; empty: those of the machine below"),
    "memory_bytes": ([8 << 30, 4 << 30], "[total, free] of the node's memory"),
    "clock_ahead_s": (0, "for how much the clock on the wall is ahead of the machine's below"),
    "netsh_hangs": (False, "true: the program that tells the port ranges does not end in its time"),
    "loopback_addresses": (
        [],
        "a network whose gateway is one of these is not loaded after a restart (seen)",
    ),
    "journal_documents": (False, "the journal keeps what calls sent; off, for a node may live for long"),
    "missing_functions": ([], "exports that this Windows does not have"),
    "missing_libraries": ([], "DLLs that this Windows does not have: computenetwork, vmcompute, computecore"),
    "state_of_shared": (3, "3 AttachedSharing for pods; 2 Attached on hosts that are nested VMs"),
    # Addresses
    "duplicate_address_hresult": (
        OBJECT_ALREADY_EXISTS,
        "the code seen when a local endpoint holds the address",
    ),
    "duplicate_remote_hresult": (0, "two remote endpoints with one address: no evidence that HNS objects"),
    "reserved_address_hresult": (
        ADDRESS_RESERVED,
        "network and broadcast address: the code's own name says so",
    ),
    "gateway_address_hresult": (
        ADDRESS_RESERVED,
        "the gateway asked for by an endpoint: likely the same code",
    ),
    "pool_exhausted_hresult": (ADDRESS_RESERVED, "no address left: never seen; the nearest code by name"),
    "mac_pool_exhausted_hresult": (INVALID_ENDPOINT, "no MAC left: never seen; the nearest code by name"),
    "duplicate_mac_hresult": (0, "two local endpoints with one MAC: no evidence that HNS objects"),
    "second_address_hresult": (
        INVALID_ENDPOINT,
        "two addresses of one family: only one of each is documented",
    ),
    "address_reuse_after_calls": (0, "calls for which a released address stays set aside: none known"),
    "dual_stack_completes": (False, "whether HNS adds the family that the caller left out: not known"),
    # Identity and documents
    "existing_id_hresult": (ALREADY_EXISTS, "create with an ID in use: the code seen for load balancers"),
    "id_argument_wins": (False, "the Id argument against the document's ID: callers use the document's"),
    "null_query_accepted": (True, "the pages call the query optional"),
    "default_query_schema": (2, "shape of the answer when the query names no schema version"),
    # Routes
    "default_route_without_routes_only": (False, "add the default route only where no route is given at all"),
    "empty_next_hop_hresult": (PARAMETER_INCORRECT, "the newer HNS refuses it; its code was not reported"),
    # Networks
    "adapter_shared_by_one_kind": (True, "several networks of one kind on one adapter; overlay surely may"),
    "adapter_conflict_hresult": (
        PARAMETER_INCORRECT,
        "another kind of switch on the adapter: one of two seen",
    ),
    "management_address_after_calls": (
        2,
        "calls until the address of an external network appears: seen later",
    ),
    "unknown_type_hresult": (
        INVALID_NETWORK_TYPE,
        "a network type unknown to V2: by the code's own name; 0x803B001B was seen, its cause was not",
    ),
    "host_bits_hresult": (
        INVALID_NETWORK,
        "a subnet's prefix that names a host: the code of the one report (containers-toolkit)",
    ),
    "gateway_outside_hresult": (
        0,
        "L2Bridge gateway outside its subnet: aks-engine has one; 0x803B0032 shows a plugin's mistake",
    ),
    "vsid_hresult": (INVALID_POLICY, "isolation id below 4096: refused, its code was not reported"),
    "vlan_hresult": (INVALID_POLICY, "a VLAN of 0 or above 4094: there is none; its code is not known"),
    "isolation_refused_on": ([], "network types that refuse a subnet's VLAN or VSID: none known"),
    "policy_twice_hresult": (POLICY_ALREADY_EXISTS, "a second QOS, VLAN and the like: the code's own name"),
    "refused_policies": ([], "policy types that this node refuses though its version has them: none known"),
    "ipv6_subnet_hresult": (INVALID_SUBNET, "an IPv6 subnet where HNS has none: refused, code not known"),
    "network_delete_in_use_hresult": (0, "deleting a network that a container uses: success in practice"),
    "remote_route_elsewhere_hresult": (REQUEST_UNSUPPORTED, "RemoteSubnetRoute off overlay: not known"),
    "remote_route_twice_hresult": (POLICY_ALREADY_EXISTS, "the same prefix again: callers look first"),
    # The host's routes
    "next_hop_off_link_hresult": (
        PARAMETER_INCORRECT,
        "a route whose next hop is on no link of its interface: `route add` is refused so; the page of "
        "CreateIpForwardEntry2 does not say",
    ),
    # Namespaces
    "member_again_hresult": (0, "adding an endpoint again where it is: plugins repeat it without a check"),
    "second_namespace_hresult": (IN_A_NAMESPACE, "the code exists for exactly this"),
    "remove_absent_hresult": (ELEMENT_NOT_FOUND, "removing what is not there: plugins take this as done"),
    "remote_attach_hresult": (INVALID_REMOTE_OPERATION, "a remote endpoint in a namespace: by its name"),
    "host_default_delete_hresult": (REQUEST_UNSUPPORTED, "the host's own namespace: always enumerated"),
    "namespaces_survive_reboot": (False, "the containers and compartments are gone after a boot"),
    # Port mappings, load balancers
    "mapping_refused_on": ([], "network types that answer 0x803B0016 to a port mapping: none known"),
    "ports_stay_reserved": (False, "a deleted endpoint's ports stay held: reported, not the rule"),
    "backend_deleted_hresult": (0, "deleting an endpoint that a load balancer names: not known to fail"),
    "missing_backend_hresult": (PORT_NOT_FOUND, "a load balancer naming an endpoint that is not there"),
    "no_backend_hresult": (
        INVALID_JSON_REFERENCE,
        "a load balancer without back ends: the code seen when kube-proxy sent one (calico)",
    ),
    "bad_vip_hresult": (ADDRESS_RESERVED, "a VIP that is no address: never seen; by the code's own name"),
    "balanced_protocols": ([6, 17, 132], "what kube-proxy balances: TCP, UDP, SCTP; others have no ports"),
    "bad_mapping_hresult": (
        INVALID_POLICY,
        "another protocol, or external port 0, of a load balancer: never seen; as for other wrong ports",
    ),
    "unattached_backend": ("v1", "refused for V1 policy lists (seen); hcsshim's tests pass through V2"),
    "unattached_backend_hresult": (PORT_NOT_FOUND, "the code seen for a back end without a switch port"),
    "upper_case_backends": (
        False,
        "kube-proxy looks for back ends in upper case, a test of hcsshim's for the endpoint's own ID",
    ),
    "same_frontend_hresult": (PORT_ALREADY_EXISTS, "a second load balancer on VIP, port and protocol (seen)"),
    "same_frontend_reloaded_hresult": (
        ALREADY_EXISTS,
        "the same, when the first was loaded from disk (seen)",
    ),
    "first_lb_delete_hresult": (0, "Windows Server 2019 may fail the first delete; not always"),
    # HNS V1
    "v1_takes_ids": (
        True,
        "whether the ID in a new endpoint's V1 document counts: no client sends one",
    ),
    "v1_detach_absent_hresult": (
        ENDPOINT_NOT_ATTACHED,
        "detaching a container that does not share the endpoint: by its name; plugins ignore the answer",
    ),
    "ended_system_hresult": (
        SYSTEM_NOT_FOUND,
        "modifying a container that has ended since it was opened: 0xC0370105 is the other that is known",
    ),
    # Compute systems (computecore.dll)
    "windows_build": (
        26100,
        "Windows Server 2025; limits are changed from 19042 on, exits waited for from 20348",
    ),
    "hcs_stopped_hresult": (0, "HCS is not running: 0x80070426, 0x800706BA and 0x80370114 are known"),
    "processors": (4, "the node's logical processors: a processor count is capped at them"),
    "namespace_joined_at": ("start", "start or create: a bad endpoint has been seen to fail either"),
    "failed_create_keeps_id": (
        True,
        "a creation that could not join its network leaves a created system: clients terminate it, or its ID "
        "stays taken",
    ),
    "shutdown_obeyed": (True, "false: a shutdown succeeds, and the system goes on running"),
    "restart_ends_systems": (
        False,
        "systems that end with their last handle end with the service too: clients open them again by their "
        "ID, while the exit detail ServiceStop exists",
    ),
    "limits_refused_hresult": (
        NOT_SUPPORTED,
        "changing limits before build 19042: clients count it among what is not supported; 0x8037010D is too",
    ),
    # Handles
    "stale_handle_hresult": (RPC_SERVER_UNAVAILABLE, "a handle from before a restart of HNS"),
    "stale_close_hresult": (0, "closing such a handle: nothing known to fail"),
}


class Options:
    """The options of one node, as attributes."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __getattr__(self, name: str) -> Any:
        try:
            return self._given[name]
        except KeyError:
            try:
                return OPTIONS[name][0]
            except KeyError:
                raise AttributeError(name) from None

    @property
    def version(self) -> Version:
        """The HNS version, as a pair to compare with."""
        major, minor = self.hns_version
        return int(major), int(minor)


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """The same options, every name known; a version may be written "13.3".

    Raises:
        TypeError: an option that does not exist, with the names that do.
    """
    unknown = sorted(set(given) - set(OPTIONS))
    if unknown:
        raise TypeError(f"unknown option {', '.join(unknown)}; there are {', '.join(sorted(OPTIONS))}")
    version = given.get("hns_version")
    if isinstance(version, str):
        major, _, minor = version.partition(".")
        given = {**given, "hns_version": [int(major), int(minor)]}
    return given
