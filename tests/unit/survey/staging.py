"""A node with one healthy pod, as each source shows it, to be spoiled in one place at a time."""

from __future__ import annotations

from typing import Any

from cni_hns.binding.processes import Owner
from cni_hns.cri.views import Container, Sandbox
from cni_hns.hcn.views import EndpointView, NamespaceView, NetworkView
from cni_hns.hcs.documents.properties import Properties
from cni_hns.identity import endpoint_id
from cni_hns.ledger import AttachmentKey, AttachmentRow, Lease
from cni_hns.ledger.clock import BOOT_S
from cni_hns.survey.joining import pods_of
from cni_hns.survey.pod import Pod
from cni_hns.survey.seen import LedgerTime, Seen

SANDBOX = "5a" * 32
OTHER = "0b" * 32
KEY = AttachmentKey("pods", SANDBOX, "eth0")
ENDPOINT = endpoint_id(*KEY)
NAMESPACE = "5f0c3b1e-0000-4111-8222-333344445555"
ELSEWHERE = "5f0c3b1e-0000-4111-8222-666677778888"
NETWORK = "a0b7033c-dcfc-4820-a5b9-24f5739fe54b"
STRAY = "11111111-2222-4333-8444-555555555555"
ADDRESS = "10.88.0.2"
ADDED = BOOT_S + 1000
NOW = ADDED + 3600


def row(key: AttachmentKey = KEY, **changes: Any) -> AttachmentRow:
    """A finished attachment of an hour ago."""
    made = AttachmentRow(
        key=key,
        phase="ready",
        endpoint_id=endpoint_id(*key),
        hcn_network_id=NETWORK,
        namespace_id=NAMESPACE,
        fingerprint=None,
        request=None,
        result=None,
        owner=Owner(1, "", "boot"),
        token="t",  # noqa: S106
        deadline_at=ADDED,
        until=None,
        updated_at=ADDED,
        look_at=0.0,
        gone_at=None,
        plugin=None,
        delete_begun=False,
    )
    return made._replace(**changes)


def lease(**changes: Any) -> Lease:
    made = Lease(*KEY[:1], ADDRESS, *KEY[1:], "set", 24, "10.88.0.1", "allocated", "held", None)
    return made._replace(**changes)


def endpoint(**changes: Any) -> EndpointView:
    made = EndpointView.of(
        {
            "ID": ENDPOINT,
            "Name": f"{SANDBOX}_pods",
            "HostComputeNetwork": NETWORK,
            "HostComputeNamespace": NAMESPACE,
            "IpConfigurations": [{"IpAddress": ADDRESS, "PrefixLength": 24}],
            "MacAddress": "00-15-5D-C6-11-23",
        }
    )
    return made._replace(**changes)


def room(**changes: Any) -> NamespaceView:
    return NamespaceView(NAMESPACE, 2, {ENDPOINT}, [SANDBOX, "workload"], "Host")._replace(**changes)


def system(system_id: str = SANDBOX, **changes: Any) -> Properties:
    return Properties.model_validate({"Id": system_id, "State": "Running", **changes})


def sandbox(id_: str = SANDBOX, **changes: Any) -> Sandbox:
    """What the runtime says of the healthy pod."""
    containers = (Container("workload", id_, "nginx", 0, "Running"),)
    return Sandbox(id_, "web-0", "shop", "uid", 0, True, (ADDRESS,), containers)._replace(**changes)


def seen(**changes: Any) -> Seen:
    """All sources agree about one pod with two containers."""
    healthy = Seen(
        namespaces=[room()],
        endpoints=[endpoint()],
        networks=[NetworkView.of({"ID": NETWORK, "Name": "pods"})],
        systems=[system("workload"), system()],
        rows=[row()],
        leases=[lease()],
        time=LedgerTime(NOW, 1_700_000_000.0),
    )
    return healthy._replace(**changes)


def only_pod(**changes: Any) -> Pod:
    """The one pod of the node with these sources."""
    (found,) = pods_of(seen(**changes))
    return found


def kinds(pod: Pod) -> list[str]:
    return [one.kind for one in pod.mismatches]
