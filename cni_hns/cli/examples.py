"""Commands as they are typed, for the help of each."""

from __future__ import annotations

import click

__all__ = ["EXAMPLES", "with_examples"]

_GUID = "5f0c3b1e-0000-4111-8222-333344445555"

EXAMPLES: dict[str, tuple[str, ...]] = {
    "agent": (
        r"agent --config C:\ProgramData\cni-hns\agent.yaml",
        r"agent --once --config agent.yaml --kubeconfig C:\k\config",
    ),
    "cluster nodes": ("cluster nodes", r"cluster nodes --kubeconfig C:\k\config"),
    "cluster settings": ("cluster settings",),
    "cluster status": ("cluster status", "cluster status --json"),
    "completion": (
        "completion bash >> ~/.bashrc",
        "completion powershell | Out-String | Invoke-Expression",
    ),
    "config check": (r"config check C:\etc\cni\net.d\10-pods.conf", "config check pods.conflist --json"),
    "config explain": (r"config explain C:\etc\cni\net.d\10-pods.conf",),
    "conformance": (
        "conformance --plugin cni-hns.exe --config pods.conf",
        "conformance --list",
    ),
    "container create": (
        f"container create --template process --namespace {_GUID}",
        "container create box --config box.json",
    ),
    "container events": ("container events 8af3",),
    "container exec": ("container exec 8af3 -- ipconfig /all", "container exec 8af3 --timeout 5 -- hostname"),
    "container kill": ("container kill 8af3",),
    "container list": ("container list --state Running", "container list --leaked -q"),
    "container pause": ("container pause 8af3",),
    "container ps": ("container ps 8af3",),
    "container resume": ("container resume 8af3",),
    "container set": ("container set 8af3 --cpus 2 --memory 1024",),
    "container show": ("container show 8af3", "container show 10.88.0.2"),
    "container start": ("container start box",),
    "container stats": ("container stats", "container stats 8af3 --watch"),
    "container stop": ("container stop box", "container stop box --timeout 5"),
    "demo": ("demo", "demo --verbose", "demo --profile server-2019 --keep node"),
    "doctor": (
        "doctor --cri npipe:////./pipe/containerd-containerd",
        "doctor --repair --dry-run",
    ),
    "diagnose": ("diagnose", r"diagnose --output C:\node7.zip --timeout 30"),
    "diagnose open": ("diagnose open node7.zip", "diagnose open node7.zip node7"),
    "endpoint delete": ("endpoint delete 9c05f1c3 --dry-run", f"endpoint delete {_GUID} --force"),
    "endpoint list": ("endpoint list --network cbr0", "endpoint list -o wide", "endpoint list --watch"),
    "endpoint show": ("endpoint show 9c05f1c3", "endpoint show 10.88.0.2", "endpoint show shop/web-0"),
    "gc": ("gc --dry-run", "gc --network cbr0"),
    "help": ("help", "help network delete"),
    "install": ("install --subnet 10.88.0.0/24 --dry-run", "install --check"),
    "ipam export": (r"ipam export --host-local C:\ProgramData\cni\networks",),
    "ipam import": (r"ipam import --host-local C:\ProgramData\cni\networks --network cbr0",),
    "ipam list": ("ipam list --network cbr0", "ipam list --all -o wide", "ipam list --watch 5"),
    "ipam release": ("ipam release 10.88.0.9", "ipam release kube-proxy --network cbr0"),
    "ipam reserve": ("ipam reserve --network cbr0 --owner kube-proxy --address 10.88.0.9",),
    "ledger rebuild": ("ledger rebuild", "ledger rebuild --force"),
    "namespace create": ("namespace create", f"namespace create --id {_GUID}"),
    "namespace delete": ("namespace delete 5f0c3b1e --dry-run", f"namespace delete {_GUID} --force"),
    "namespace list": ("namespace list", "namespace list -q"),
    "namespace show": ("namespace show 5f0c3b1e", "namespace show shop/web-0"),
    "metrics": (
        "metrics",
        r"metrics --file C:\custom-metrics\cni-hns.prom",
    ),
    "network create": (
        "network create --name cbr0 --mode l2bridge --subnet 10.88.0.0/24",
        "network create --config pods.conf",
    ),
    "network delete": ("network delete cbr0 --dry-run", "network delete cbr0 --force"),
    "network list": ("network list", "network list -o wide"),
    "network show": ("network show cbr0", "network show 799a3198"),
    "pool list": ("pool list", "pool list --network pods -o wide"),
    "pod list": ("pod list --network cbr0", "pod list -o wide", "pod list --watch"),
    "pod show": ("pod show 8af3", "pod show 10.88.0.2", "pod show shop/web-0"),
    "service create": (
        "service create --vip 10.96.0.50 --port 80 --target-port 8080 --backend 10.88.0.2",
        "service create --kind node-port --port 30080 --target-port 8080 --backend 10.88.0.2",
    ),
    "service delete": ("service delete 10.96.0.50:80", f"service delete {_GUID} --dry-run"),
    "service explain": ("service explain 10.96.0.10:53/udp", "service explain 30080"),
    "service list": ("service list", "service list -o wide"),
    "service verify": ("service verify", "service verify --json"),
    "status": ("status", "status --json", "status --watch"),
    "trace": ("trace 10.88.0.2 --dry-run", "trace shop/web-0 --seconds 60 --output web.pcapng"),
    "uninstall": ("uninstall", r"uninstall --bin-dir C:\opt\cni\bin"),
    "version": ("version", "version --json"),
}
"""Each command's examples by its path, without the program's name. Those of a group are its commands'."""

_OF_A_GROUP = 4


def with_examples(command: click.Command, path: str) -> click.Command:
    """The command, or the group and all that is in it, with their examples below their help."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            with_examples(inner, f"{path} {name}")
    shown = EXAMPLES.get(path) or _of_group(path)
    if shown and command.epilog is None:
        # The mark keeps the lines as they are: https://click.palletsprojects.com/documentation/#escaping-click-s-wrapping
        command.epilog = "\n".join(["\b", "Examples:", *(f"  cni-hns {one}" for one in shown)])
    return command


def _of_group(path: str) -> list[str]:
    inside = [lines[0] for name, lines in EXAMPLES.items() if name.startswith(f"{path} ")]
    return inside[:_OF_A_GROUP]
