"""Short ways to say what the ledger's tests say often."""

from __future__ import annotations

from cni_hns.binding.processes import Owner
from cni_hns.identity import endpoint_id
from cni_hns.ledger import AttachmentKey, Claim, Lease, Ledger
from cni_hns.ledger.addresses import address_text

KEY = AttachmentKey("net", "container", "eth0")
OURS = Owner(100, "start of ours", "boot")
THEIRS = Owner(200, "start of theirs", "boot")
NOW = 1_000_000.0
NAMESPACE = "5f0c3b1e-0000-4111-8222-333344445555"
ENDPOINT = endpoint_id(*KEY)
FINGERPRINT = '{"configuration": "digest"}'
RESULT = '{"ips": []}'


def living(_owner: Owner) -> bool:
    return True


def dead(_owner: Owner) -> bool:
    return False


def add(ledger: Ledger, key: AttachmentKey = KEY, by: str = "first", **changes: object) -> Claim:
    """Claim as an ADD that has 100 seconds from NOW, with `by` as its token."""
    return claim(ledger, key, "adding", by, **changes)


def delete(ledger: Ledger, key: AttachmentKey = KEY, by: str = "del", **changes: object) -> Claim:
    return claim(ledger, key, "deleting", by, **{"fingerprint": None, "namespace_id": None, **changes})


def claim(ledger: Ledger, key: AttachmentKey, phase: str, token: str, **changes: object) -> Claim:
    asked: dict[str, object] = {
        "fingerprint": FINGERPRINT,
        "namespace_id": NAMESPACE,
        "owner": OURS,
        "deadline_at": NOW + 100,
        "alive": living,
        "now": NOW,
        **changes,
    }
    return ledger.claim(key, phase, token=token, **asked)  # type: ignore[arg-type]


def ready(ledger: Ledger, key: AttachmentKey = KEY, by: str = "first") -> None:
    add(ledger, key, by)
    assert ledger.make_ready(key, by, RESULT)


def lease(address: int | str, network: str = "net", **changes: object) -> Lease:
    text = address if isinstance(address, str) else address_text(address)
    plain = Lease(network, text, "container", "eth0", "set", 24, None, "allocated", "held", None)
    return plain._replace(**changes)  # type: ignore[arg-type]
