"""What can be wrong with a service, what that does, and what mends it.

No repair of a load balancer is a deletion alone: kube-proxy does not know that it is gone, and does not make
it again before the Service or its endpoints change. It makes all of them anew when it starts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["KINDS", "Fault", "FaultKind"]

_RESTART = (
    "`Restart-Service kube-proxy` (where it is a pod: delete that pod of this node); it makes all load "
    "balancers of the node anew, and for that moment no service of the node answers"
)


class FaultKind(NamedTuple):
    """`effect` is what clients see; `remedy` has the members of `Fault.names` in braces.

    "ill": clients do not get through, or not all of them. "warning": they do, and it may change.
    """

    severity: Literal["ill", "warning"]
    effect: str
    remedy: str


class Fault(NamedTuple):
    """One thing that is wrong: `words` say what, on which object, and why; `pods` are the ones concerned."""

    kind: str
    words: str
    pods: tuple[str, ...] = ()
    names: dict[str, str] = {}  # noqa: RUF012 - read, never written to


KINDS: dict[str, FaultKind] = {
    "load-balancer-missing": FaultKind(
        "ill", "nobody on this node reaches the service at this address", _RESTART
    ),
    "load-balancer-half-made": FaultKind(
        "ill",
        "nobody reaches the service at this address; kube-proxy before 1.37 ends with a panic on it",
        _RESTART,
    ),
    "load-balancer-twice": FaultKind(
        "ill",
        "HNS sends clients to the back ends of either one; kube-proxy cannot change the service any more",
        _RESTART,
    ),
    "load-balancer-family": FaultKind(
        "ill", "HNS does not balance what comes to this address", f"update kube-proxy, then {_RESTART}"
    ),
    "node-port-excluded": FaultKind(
        "ill",
        "Windows keeps the port for another program: node ports there do not answer",
        "`netsh int {ip} delete excludedportrange protocol={protocol} startport={first} "
        f"numberofports={{count}}`, then {_RESTART}",
    ),
    "source-vip-empty": FaultKind(
        "ill",
        "on an overlay network no answer finds its way back to the node",
        "`cni-hns ipam reserve --network {network} --owner kube-proxy`, and give kube-proxy that address by "
        "--source-vip",
    ),
    "source-vip-without-endpoint": FaultKind(
        "ill",
        "answers of pods on other nodes do not find their way back",
        "make the endpoint of {address} on network {hcn} again, as the installer of kube-proxy does, then "
        + _RESTART,
    ),
    "source-vip-leased": FaultKind(
        "ill",
        "answers to clients of services go to the pod that has the address",
        "delete pod {pod}, then "
        "`cni-hns ipam reserve --network {network} --owner kube-proxy --address {address}`",
    ),
    "source-vip-unreserved": FaultKind(
        "warning",
        "the address may be given to a pod, and then no service with back ends on other nodes answers",
        "cni-hns ipam reserve --network {network} --owner kube-proxy --address {address}",
    ),
    "source-vip-is-node": FaultKind(
        "ill",
        "packets to pods on other nodes leave with the node's address, which the overlay does not carry back",
        _RESTART,
    ),
    "no-backends": FaultKind("ill", "connections to the service are refused or time out", _RESTART),
    "backend-missing": FaultKind(
        "ill", "the share of connections that is sent to this back end is lost", _RESTART
    ),
    "backend-elsewhere": FaultKind(
        "ill", "HNS does not send anything from one network to another: that share is lost", _RESTART
    ),
    "backend-family": FaultKind("ill", "the back end has no address of the service's family", _RESTART),
    "backend-degraded": FaultKind(
        "ill",
        "the share of connections that is sent to this back end is lost",
        "delete the pod; `cni-hns endpoint show {endpoint}` tells more",
    ),
    "backend-without-pod": FaultKind(
        "ill",
        "the share of connections that is sent to this back end is lost: nothing listens there",
        f"`cni-hns gc`, then {_RESTART}",
    ),
    "backend-address-twice": FaultKind(
        "ill",
        "connections to this back end reach sometimes one endpoint and sometimes the other",
        "`cni-hns endpoint show {other}`; if no pod has it: `cni-hns endpoint delete {other}`, then "
        + _RESTART,
    ),
    "backend-wrong-node": FaultKind(
        "ill",
        "packets to this back end go to a node where the pod is not",
        # It takes the endpoint that has the address, also after a start: that must go first.
        "`cni-hns endpoint delete {endpoint}`, then " + _RESTART,
    ),
    "backend-without-route": FaultKind(
        "ill",
        "packets to this back end do not leave the node",
        "restart the network daemon of this node (flanneld, calico-node), which makes the routes, then "
        + _RESTART,
    ),
    "vip-endpoint-missing": FaultKind(
        "ill", "pods of this node do not find the way to the service's address", _RESTART
    ),
    "dsr-unsupported": FaultKind(
        "ill",
        "with externalTrafficPolicy Local clients do not get an answer",
        "update Windows on this node (direct server return needs HNS {needed})",
    ),
    "nat-hides-pods": FaultKind(
        "ill",
        "pods do not reach the service: HNS translates their address before it looks for the service",
        "add the cluster's service range to outboundNat.exceptions (OutBoundNAT Exceptions) of network "
        "configuration {network}, and make the pods anew",
    ),
    "acl-blocks": FaultKind(
        "warning",
        "pods that have this rule do not reach the service",
        "`cni-hns endpoint show {endpoint}` has its ACL policies; change the network policy, or the ACL in "
        "the configuration",
    ),
    # What only the Service and its EndpointSlices tell.
    "backend-lacking": FaultKind("ill", "the ready pod gets no connections through this node", _RESTART),
    "backend-surplus": FaultKind(
        "ill", "connections are sent to what is no ready back end of the service", _RESTART
    ),
    "policy-local": FaultKind(
        "ill", "traffic leaves the node though the service's policy says Local", _RESTART
    ),
    "wrong-port": FaultKind("ill", "connections arrive at a port where the pods do not listen", _RESTART),
    "named-port-differs": FaultKind(
        "ill",
        "kube-proxy on Windows sends all back ends the port of the first: the others do not listen there",
        "give the port that is named {port} one number in all pods of {service}",
    ),
    "dsr-missing": FaultKind(
        "ill",
        "with externalTrafficPolicy Local the client's address is lost, or no answer comes",
        "set --enable-dsr=true and the feature gate WinDSR of kube-proxy, on an HNS that has it, then "
        + _RESTART,
    ),
    "affinity-missing": FaultKind(
        "ill",
        "clients do not stay with one pod, though the service says sessionAffinity ClientIP",
        "update Windows on this node (session affinity needs HNS 12.0 or later), then " + _RESTART,
    ),
    "load-balancer-surplus": FaultKind(
        "warning", "the address answers, though the service does not have it any more", _RESTART
    ),
    "no-ready-endpoints": FaultKind(
        "warning",
        "connections to the service are refused or time out; this node is not the cause",
        "kubectl -n {namespace} get pods,endpointslices -l kubernetes.io/service-name={name} -o wide",
    ),
}
