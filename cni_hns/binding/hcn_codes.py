"""The codes of the Host Compute Network (HCN_E) and of its part inside utility VMs (GCN_E).

https://learn.microsoft.com/virtualization/api/hcn/Reference/HCNHResult
"""

from __future__ import annotations

__all__ = ["HCN_CODES"]

_DOCUMENT = "run `cni-hns config check` on the configuration; the log has the document that was sent"
_GUEST = (
    "restart the pod's utility VM by deleting the pod, and update the guest's base image if it happens again"
)
_VSWITCH = "see `Get-VMSwitch` and the network's extensions; restart the hns service if they do not match"
_STALE = "list the objects (`cni-hns endpoint list`, `Get-HnsPolicyList`) and delete the stale one"

HCN_CODES: dict[int, tuple[str, str, str]] = {
    0x803B0001: (
        "HCN_E_NETWORK_NOT_FOUND",
        "there is no such HCN network",
        "see `cni-hns network list`; an ADD makes it anew if the configuration lets it",
    ),
    0x803B0002: (
        "HCN_E_ENDPOINT_NOT_FOUND",
        "there is no such endpoint",
        "see `cni-hns endpoint list`; a pod whose endpoint is gone has to be started again",
    ),
    0x803B0003: (
        "HCN_E_LAYER_NOT_FOUND",
        "a layer that the HCN network is built on is missing",
        "delete the HCN network and let it be created again",
    ),
    0x803B0004: ("HCN_E_SWITCH_NOT_FOUND", "the virtual switch of the HCN network is missing", _VSWITCH),
    0x803B0005: (
        "HCN_E_SUBNET_NOT_FOUND",
        "the HCN network has no subnet for this endpoint",
        "compare the addresses with the network's subnets in `cni-hns network show`",
    ),
    0x803B0006: (
        "HCN_E_ADAPTER_NOT_FOUND",
        "no suitable network adapter",
        "name a physical, wired, connected adapter in network.adapter (`Get-NetAdapter -Physical`)",
    ),
    0x803B0007: (
        "HCN_E_PORT_NOT_FOUND",
        "an endpoint has no port on the virtual switch",
        "the endpoint must be attached to a running pod first; try again once it is",
    ),
    0x803B0008: (
        "HCN_E_POLICY_NOT_FOUND",
        "the object does not have this policy",
        "compare with the policies that `cni-hns endpoint show` or `cni-hns network show` lists",
    ),
    0x803B0009: (
        "HCN_E_VFP_PORTSETTING_NOT_FOUND",
        "the switch port lacks a setting of the Azure VFP extension",
        "check that the VFP switch extension is enabled on the network's switch",
    ),
    0x803B000A: ("HCN_E_INVALID_NETWORK", "the network document is invalid or incomplete", _DOCUMENT),
    0x803B000B: (
        "HCN_E_INVALID_NETWORK_TYPE",
        "this type of network does not exist or does not fit",
        _DOCUMENT,
    ),
    0x803B000C: ("HCN_E_INVALID_ENDPOINT", "the endpoint document is invalid or incomplete", _DOCUMENT),
    0x803B000D: (
        "HCN_E_INVALID_POLICY",
        "a policy is invalid or incomplete",
        "check the policies' settings; prefixes must have no host bits set (10.0.0.0/8, not 10.0.0.1/8)",
    ),
    0x803B000E: (
        "HCN_E_INVALID_POLICY_TYPE",
        "this HNS does not know a policy type, or not on this object",
        "leave the policy out, or update Windows on this node",
    ),
    0x803B000F: (
        "HCN_E_INVALID_REMOTE_ENDPOINT_OPERATION",
        "this cannot be done to a remote endpoint",
        "name a local endpoint: a remote one only describes a pod of another node",
    ),
    0x803B0010: (
        "HCN_E_NETWORK_ALREADY_EXISTS",
        "an HCN network with this name exists",
        "see `cni-hns network list`; if it is not listed, HNS holds a left-over: restart the hns service",
    ),
    0x803B0011: ("HCN_E_LAYER_ALREADY_EXISTS", "the layer exists", "restart the hns service, and try again"),
    0x803B0012: (
        "HCN_E_POLICY_ALREADY_EXISTS",
        "the object already has this policy",
        "compare with the policies that `cni-hns endpoint show` lists",
    ),
    0x803B0013: (
        "HCN_E_PORT_ALREADY_EXISTS",
        "the port, or a mapping of it, is in use",
        "choose another host port, or delete the endpoint or load balancer that has it",
    ),
    0x803B0014: (
        "HCN_E_ENDPOINT_ALREADY_ATTACHED",
        "the endpoint is attached already",
        "nothing, if it is attached where it belongs; else detach it there first",
    ),
    0x803B0015: (
        "HCN_E_REQUEST_UNSUPPORTED",
        "HNS does not support this request, or not now: a namespace with a container in it cannot be deleted",
        "stop the container first; else update Windows on this node",
    ),
    0x803B0016: (
        "HCN_E_MAPPING_NOT_SUPPORTED",
        "this HCN network cannot map ports",
        "leave the port mapping out, or use an l2bridge or nat network",
    ),
    0x803B0017: (
        "HCN_E_DEGRADED_OPERATION",
        "the object is degraded, and this cannot be done to it",
        "delete the object and create it again; if the network itself is degraded, restart the hns service",
    ),
    0x803B0018: (
        "HCN_E_SHARED_SWITCH_MODIFICATION",
        "the virtual switch is shared by several HCN networks and cannot be changed",
        "delete the other networks on this switch first",
    ),
    0x803B0019: ("HCN_E_GUID_CONVERSION_FAILURE", "a parameter is not a GUID", _DOCUMENT),
    0x803B001A: (
        "HCN_E_REGKEY_FAILURE",
        "HNS could not use a registry key",
        "check that the hns service runs as LocalSystem, and restart it",
    ),
    0x803B001B: ("HCN_E_INVALID_JSON", "the document is not JSON that HNS can read", _DOCUMENT),
    0x803B001C: ("HCN_E_INVALID_JSON_REFERENCE", "a reference in the document leads nowhere", _DOCUMENT),
    0x803B001D: (
        "HCN_E_ENDPOINT_SHARING_DISABLED",
        "endpoint sharing is switched off",
        "use one endpoint for each container, or enable sharing on the network",
    ),
    0x803B001E: (
        "HCN_E_INVALID_IP",
        "an address is invalid or lies in none of the HCN network's subnets",
        "compare the IPAM ranges with the subnets in `cni-hns network show`",
    ),
    0x803B001F: (
        "HCN_E_SWITCH_EXTENSION_NOT_FOUND",
        "there is no such switch extension",
        "see `Get-VMSwitchExtension`, and correct the extension's ID",
    ),
    0x803B0020: (
        "HCN_E_MANAGER_STOPPED",
        "HNS is stopping",
        "try again once the hns service runs (`Get-Service hns`)",
    ),
    0x803B0021: ("GCN_E_MODULE_NOT_FOUND", "the guest lacks the network service's module", _GUEST),
    0x803B0022: ("GCN_E_NO_REQUEST_HANDLERS", "the guest has no handler for the request", _GUEST),
    0x803B0023: ("GCN_E_REQUEST_UNSUPPORTED", "the guest does not support the request", _GUEST),
    0x803B0024: (
        "GCN_E_RUNTIMEKEYS_FAILED",
        "the guest could not give the container its runtime keys",
        _GUEST,
    ),
    0x803B0025: ("GCN_E_NETADAPTER_TIMEOUT", "the adapter did not appear in the guest in time", _GUEST),
    0x803B0026: ("GCN_E_NETADAPTER_NOT_FOUND", "the guest does not have the adapter", _GUEST),
    0x803B0027: ("GCN_E_NETCOMPARTMENT_NOT_FOUND", "the guest does not have the network compartment", _GUEST),
    0x803B0028: ("GCN_E_NETINTERFACE_NOT_FOUND", "the guest does not have the network interface", _GUEST),
    0x803B0029: ("GCN_E_DEFAULTNAMESPACE_EXISTS", "the guest has a default namespace already", _GUEST),
    0x803B002A: (
        "HCN_E_ICS_DISABLED",
        "the service SharedAccess (Internet Connection Sharing) is disabled",
        "enable it (`Set-Service SharedAccess -StartupType Manual`)",
    ),
    0x803B002B: (
        "HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS",
        "the endpoint already belongs to a namespace",
        "see `cni-hns endpoint show`; an endpoint serves one pod, so the other one has to be deleted first",
    ),
    0x803B002C: (
        "HCN_E_ENTITY_HAS_REFERENCES",
        "other objects still refer to this one",
        "delete the load balancers and routes that name it first",
    ),
    0x803B002D: (
        "HCN_E_INVALID_INTERNAL_PORT",
        "the internal port of a mapping is missing or zero",
        "give containerPort a value from 1 to 65535",
    ),
    0x803B002E: (
        "HCN_E_NAMESPACE_ATTACH_FAILED",
        "the namespace could not be attached to the container",
        "delete the pod so that it gets a new namespace and endpoint",
    ),
    0x803B002F: (
        "HCN_E_ADDR_INVALID_OR_RESERVED",
        "an address is invalid or reserved",
        "leave the address out of the IPAM ranges; a load balancer on overlay needs its source VIP",
    ),
    0x803B0030: (
        "HCN_E_INVALID_PREFIX",
        "a prefix is invalid",
        "write prefixes with their network address, and a length that fits the subnet",
    ),
    0x803B0031: (
        "HCN_E_OBJECT_USED_AFTER_UNLOAD",
        "the object has been torn down meanwhile",
        "open it again; if it is gone, the next ADD makes it anew",
    ),
    0x803B0032: ("HCN_E_INVALID_SUBNET", "a subnet's document is invalid or incomplete", _DOCUMENT),
    0x803B0033: ("HCN_E_INVALID_IP_SUBNET", "an IP subnet's document is invalid or incomplete", _DOCUMENT),
    0x803B0034: (
        "HCN_E_ENDPOINT_NOT_ATTACHED",
        "the endpoint has to be attached for this",
        "start the pod that the endpoint belongs to, and try again",
    ),
    0x803B0035: (
        "HCN_E_ENDPOINT_NOT_LOCAL",
        "the endpoint has to be local for this",
        "name an endpoint of this node: a remote one only describes a pod of another node",
    ),
    0x803B0036: (
        "HCN_INTERFACEPARAMETERS_ALREADY_APPLIED",
        "the endpoint has an InterfaceParameters policy, and can have one only",
        "give the MTU once: `mtu`, or one InterfaceParameters policy",
    ),
    0x803B0037: (
        "HCN_E_VFP_NOT_ALLOWED",
        "this type of network is not possible without the Azure VFP extension",
        "enable the VFP extension on the switch, or use another network mode",
    ),
}
