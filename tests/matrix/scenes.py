"""The scenes: one configuration each, and where its addresses are kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from cni_hns.simulator import Simulator
from tests.harness import l2bridge
from tests.lane import Lane, Missing

__all__ = ["HASTY_S", "SCENES", "Scene", "available", "others_config"]

# The deadline of the verbs that a call hangs; all the others have time enough on any machine.
HASTY_S = 0.4

_SUBNET = {"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}
_SUBNET_6 = {"prefix": "fd00:88::/112", "gateway": "fd00:88::1"}
_RANGES = [[{"subnet": "10.88.0.0/24"}]]
_RANGES_6 = [[{"subnet": "10.88.0.0/24"}], [{"subnet": "fd00:88::/112"}]]
_DNS = {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]}

# What host-local itself keeps beside the reservations; and the address that kube-proxy reserves by hand.
_FILES = {"last_reserved_ip.0": "10.88.0.9", "lock": ""}
_VIP = "10.88.0.250"


class Scene(NamedTuple):
    """One way to configure the program. `configure` gets the case's folder."""

    name: str
    configure: Callable[[Path], dict[str, Any]]
    prepare: Callable[[Path], None] = lambda folder: None
    reservations: str = ""
    """The folder with a file for each address, below the case's folder; empty where there is none."""
    vip: str = ""
    """An address that another program reserved in it, and that a remote endpoint has."""
    port: int = 0
    """The first host port that the pods map; 0 for none."""
    plugins: str = ""
    """The folder of the external IPAM plugin."""
    hns_v1: bool = False
    """The pods are containers that Docker started, on an HCN network that is there."""
    on_windows: bool = True
    others_mode: str = "nat"
    needs: str = ""
    """A released program of the lane."""
    only: tuple[str, ...] = ()
    """The kinds of points that are tried; all, if empty."""


def _network(mode: str, *subnets: dict[str, str], **more: Any) -> dict[str, Any]:
    adapter = {} if mode == "nat" else {"adapter": "Ethernet"}
    return {"mode": mode, "create": True, "subnets": list(subnets), **adapter, **more}


def _bridge(folder: Path) -> dict[str, Any]:
    return l2bridge()


def _overlay(folder: Path) -> dict[str, Any]:
    return l2bridge(
        network=_network("overlay", _SUBNET, vsid=4096),
        macPrefix="0E-2A",
        outboundNat={"exceptions": ["10.88.0.0/16"]},
        policies=[{"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}],
    )


def _nat(folder: Path) -> dict[str, Any]:
    return l2bridge(network=_network("nat", _SUBNET), ipam={})


def _dual(folder: Path) -> dict[str, Any]:
    ipam = {"type": "cni-hns", "ranges": _RANGES_6}
    return l2bridge(network=_network("l2bridge", _SUBNET, _SUBNET_6), ipam=ipam)


def _pooled(folder: Path) -> dict[str, Any]:
    return l2bridge(ipam={"type": "cni-hns", "pool": "blue"})


def _claimed(folder: Path) -> None:
    """The blocks that the node's agent has claimed."""
    path = os.path.join(Simulator(str(folder / "node")).machine().state_folder(), "ledger.db")
    with closing(open_ledger(path, Deadline(60))) as ledger:
        for first, last in (("10.88.0.0", "10.88.0.7"), ("10.88.0.64", "10.88.0.127")):
            Blocks(ledger).hold(Block("pods", "blue", first, last))


def _docker(folder: Path) -> dict[str, Any]:
    bridge = {"type": "win-bridge", "network": None, "ipMasqNetwork": "10.88.0.0/16"}
    return {key: value for key, value in l2bridge(**bridge).items() if value is not None}


def _host_local(folder: Path) -> dict[str, Any]:
    ipam = {"type": "host-local", "ranges": _RANGES, "dataDir": str(folder / "reservations")}
    return l2bridge(ipam=ipam)


def _reserved(folder: Path) -> None:
    reservations = folder / "reservations" / "pods"
    reservations.mkdir(parents=True)
    for name, text in _FILES.items():
        (reservations / name).write_bytes(text.encode())


def _delegated(folder: Path) -> dict[str, Any]:
    return l2bridge(ipam={"type": "stand-in"})


def _delegated_host_local(folder: Path) -> dict[str, Any]:
    ipam = {
        "type": "host-local",
        "delegate": True,
        "ranges": _RANGES,
        "dataDir": str(folder / "reservations"),
    }
    return l2bridge(ipam=ipam)


def _stand_in(folder: Path) -> None:
    (folder / "reservations" / "pods").mkdir(parents=True)
    _plugin(folder, "stand-in", _WORK.format(data=folder / "reservations" / "pods"))


def _released(folder: Path) -> None:
    real = Lane.here().program("host-local")
    _plugin(folder, "host-local", f'work() {{ printf %s "$input" | "{real}"; }}\n')


def _plugin(folder: Path, name: str, work: str) -> None:
    plugins = folder / "plugins"
    plugins.mkdir()
    script = plugins / name
    script.write_text(_SCRIPT.format(work=work))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


# Does as the order says that the matrix gives to the one child it is about.
_SCRIPT = """\
#!/bin/sh
order=${{MATRIX_ORDER-}}
unset MATRIX_ORDER
input=$(cat)
{work}
answer() {{
    case $1 in
    signal) kill -9 $$ ;;
    silent) exit 1 ;;
    garbage) printf '{{"ips'; exit "$2" ;;
    *) printf '{{"cniVersion":"1.1.0","code":%s,"msg":"made to fail"}}' "$1"; exit 1 ;;
    esac
}}
case $order in
hang) sleep 600; exit 1 ;;
killed) out=$(work); kill -9 $PPID; exit 0 ;;
late) kill -9 $PPID; sleep 0.3; work >/dev/null 2>&1; exit 0 ;;
before:*) answer "${{order#before:}}" 1 ;;
after:*) out=$(work); answer "${{order#after:}}" 0 ;;
esac
work
"""

# host-local in small: a process of the real one takes many times as long.
_WORK = """\
data={data}
owner="$CNI_CONTAINERID $CNI_IFNAME"
add() {{
    n=10
    while [ $n -lt 100 ]; do
        if (set -C; echo "$owner" > "$data/10.88.0.$n") 2>/dev/null; then
            printf '{{"cniVersion":"1.1.0","ips":[{{"address":"10.88.0.%s/24","gateway":"10.88.0.1"}}]}}' $n
            return 0
        fi
        n=$((n + 1))
    done
    return 1
}}
remove() {{
    for file in "$data"/*; do
        [ -f "$file" ] || continue
        read -r id ifname < "$file"
        if "$@"; then rm -f "$file"; fi
    done
}}
is_mine() {{ [ "$id $ifname" = "$owner" ]; }}
is_gone() {{ case $input in *"$id"*) return 1 ;; esac; }}
work() {{
    case $CNI_COMMAND in
    ADD) add ;;
    DEL) remove is_mine ;;
    GC) remove is_gone ;;
    CHECK) cat "$data"/* | grep -qx "$owner" ;;
    esac
}}
"""

_RESERVATIONS = "reservations/pods"

SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("l2bridge", _bridge, port=8080),
        Scene("overlay", _overlay),
        Scene("nat", _nat, others_mode="l2bridge"),
        Scene("dual", _dual),
        Scene("pool", _pooled, _claimed),
        Scene("hns v1", _docker, hns_v1=True),
        Scene("host-local", _host_local, _reserved, _RESERVATIONS, vip=_VIP, on_windows=False),
        Scene("delegated", _delegated, _stand_in, _RESERVATIONS, plugins="plugins", on_windows=False),
        Scene(
            "delegated to host-local",
            _delegated_host_local,
            _released,
            _RESERVATIONS,
            plugins="plugins",
            needs="host-local",
            only=("child",),
            on_windows=False,
        ),
    )
}


def available(scene: Scene) -> bool:
    """Whether this machine has what the scene needs."""
    try:
        return not scene.needs or bool(Lane.here().program(scene.needs))
    except Missing:
        return False


def others_config(scene: Scene) -> dict[str, Any]:
    """The other network of the node."""
    subnet = {"prefix": "10.99.0.0/24", "gateway": "10.99.0.1"}
    ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.99.0.0/24"}]]}
    return l2bridge(name="others", network=_network(scene.others_mode, subnet), ipam=ipam)
