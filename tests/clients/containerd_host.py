"""A private containerd with its CRI, whose bin folder has our plugin, on a simulated HNS.

Its folders and its configuration lie in the test's folder. It runs in pid and mount namespaces of
its own (containerd_keeper.sh): nothing of it outlives the test, and it meets no other containerd.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.hcn.views import EndpointView
from tests.clients.pause_image import PAUSE_IMAGE
from tests.clients.plugin_files import lay_out
from tests.harness import SimulatedNode, l2bridge
from tests.lane import Lane
from tests.lane.lane import there

__all__ = ["Containerd", "Sandbox", "containerd", "pod"]

_HERE = Path(__file__).parent
_LOOPBACK = Path("/usr/lib/cni/loopback")

# Everything is off that a machine may lack and that decides nothing here: cgroups, AppArmor, overlay mounts.
_CONFIGURATION = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
disable_cgroup = true
disable_apparmor = true
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{folder}/bin"
conf_dir = "{conf_dir}"
max_conf_num = 1
conf_template = "{template}"
"""


class Sandbox(NamedTuple):
    """What the CRI says of a sandbox."""

    name: str
    id: str
    error: str
    state: str
    ip: str
    additional: list[str]
    netns: str
    pid: int
    containers: dict[str, str] | None

    @property
    def guid(self) -> str:
        """The GUID in the name of its Linux namespace: its HCN namespace has it too."""
        return self.netns.rpartition("/cni-")[2]


class Containerd:
    """The running containerd, seen as kubelet sees it."""

    def __init__(
        self, folder: Path, node: SimulatedNode, lane: Lane, keeper: subprocess.Popen[bytes], socket: str
    ) -> None:
        self.folder = folder
        self.node = node
        # The host's own one.
        self._namespaces_before = node.hcn.namespaces.ids()
        self._has_image = False
        self.cri = f"unix://{socket}"
        self._socket = socket
        self._client = lane.program("cri")
        self._keeper = keeper

    def start(self, *, has_network: bool = True) -> None:
        """Start it; it answers when this returns."""
        image = PAUSE_IMAGE if self._has_image else ""
        self._tell("start")
        report = self.ask("ready", image=image)
        assert not report["error"], f"{report['error']}\n{self._last_words()}"
        assert report["runtime"].startswith("containerd 1.6."), report
        assert report["network"]["ready"] is has_network, report

    def stop(self) -> None:
        """Ask it to end, and wait; its sandboxes go on."""
        self._tell("stop")

    def has_network(self) -> bool:
        """Whether the CRI's Status says NetworkReady, of which kubelet makes the Node's Ready."""
        report = self.ask("ready")
        assert not report["error"], f"{report['error']}\n{self._last_words()}"
        return report["network"]["ready"] is True

    def kill(self) -> None:
        """End it in the middle of whatever it does; its sandboxes go on."""
        self._tell("kill")

    def end_process(self, sandbox: Sandbox) -> None:
        """The sandbox's own process is killed."""
        self._tell(f"end {sandbox.pid}")

    def import_image(self, tar: Path) -> None:
        """The sandboxes' image, as a registry would have given it."""
        command = ["ctr", "--address", self._socket, "--namespace", "k8s.io"]
        command += ["images", "import", "--snapshotter", "native", str(tar)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        report = self.ask("ready", image=PAUSE_IMAGE)
        assert not report["error"], report["error"]
        self._has_image = True

    def tell_pod_cidrs(self, *prefixes: str) -> None:
        """What kubelet does when the Node object has its prefixes; the network is ready then."""
        report = self.ask("podcidr", pod_cidr=",".join(prefixes))
        assert not report["error"], report["error"]
        assert report["network"]["ready"], report

    def ask(
        self, action: str, *sandboxes: dict[str, Any], image: str = "", pod_cidr: str = ""
    ) -> dict[str, Any]:
        """One request of kubelet's for all these sandboxes at once; the client's report."""
        request = {
            "action": action,
            "socket": self._socket,
            "image": image,
            "podCIDR": pod_cidr,
            "sandboxes": sandboxes,
            "seconds": 60,
        }
        ran = subprocess.run(
            [str(self._client)], input=json.dumps(request).encode(), stdout=subprocess.PIPE, check=True
        )
        report: dict[str, Any] = json.loads(ran.stdout)
        return report

    def each(self, action: str, *sandboxes: dict[str, Any]) -> list[Sandbox]:
        """What became of each, failed or not."""
        report = self.ask(action, *sandboxes)
        assert report["error"] == ""
        return [Sandbox(**one) for one in report["sandboxes"]]

    def run(self, *pods: dict[str, Any]) -> list[Sandbox]:
        """RunPodSandbox for all pods at once, none of which fails; their status."""
        return self.status(*_without_errors(self.each("run", *pods)))

    def status(self, *sandboxes: Sandbox) -> list[Sandbox]:
        return _without_errors(self.each("status", *map(_id, sandboxes)))

    def fill(self, sandbox: Sandbox, *names: str) -> dict[str, str]:
        """Start these containers in it, all of the sandboxes' image: name -> id."""
        containers = [{"name": name, "image": PAUSE_IMAGE} for name in names]
        (filled,) = _without_errors(self.each("fill", {"id": sandbox.id, "containers": containers}))
        assert filled.containers is not None
        return filled.containers

    def stop_sandboxes(self, *sandboxes: Sandbox) -> None:
        _without_errors(self.each("stop", *map(_id, sandboxes)))

    def remove_sandboxes(self, *sandboxes: Sandbox) -> None:
        """They are stopped before, and once more by containerd itself: the second DEL has no namespace."""
        _without_errors(self.each("remove", *map(_id, sandboxes)))

    def sandboxes(self) -> list[Sandbox]:
        """All that containerd knows."""
        return self.each("list")

    def endpoint(self, sandbox: Sandbox) -> EndpointView:
        """The one HNS endpoint of the sandbox."""
        (found,) = self.node.in_namespace(sandbox.guid)
        return self.node.endpoint(found)

    def assert_clean(self) -> None:
        """No sandbox, no HCN namespace, endpoint, attachment or lease."""
        self.node.assert_clean()
        self.assert_nothing_owned()

    def assert_nothing_owned(self) -> None:
        """As `assert_clean`, but for what is set aside after a killed ADD."""
        assert self.sandboxes() == []
        self.node.assert_nothing_owned()
        assert self.node.hcn.namespaces.ids() == self._namespaces_before

    def _tell(self, line: str) -> None:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(f"{line}\n".encode())
        self._keeper.stdin.flush()
        answer = self._keeper.stdout.readline().decode().strip()
        assert answer == line.partition(" ")[0], self._last_words()

    def _last_words(self) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-20:])


@contextmanager
def containerd(
    folder: Path,
    node: SimulatedNode,
    lane: Lane,
    *,
    template: Path | None = None,
    conf_dir: Path | None = None,
) -> Iterator[Containerd]:
    """A running containerd with one network, for as long as the context lasts.

    With a template it has no network yet, and makes one of it when it is told the node's prefixes. With a
    `conf_dir` its network is what others write into that folder.
    """
    folder.mkdir()
    configurations = conf_dir or folder / "net.d"
    if conf_dir is None:
        configurations.mkdir()
    if conf_dir is None and template is None:
        _write_a_network(configurations)
    # A socket's path must be short, which a test's folder is not.
    with tempfile.TemporaryDirectory(prefix="cni-hns-") as short:
        socket = f"{short}/containerd.sock"
        _lay_out(folder, lane, socket=socket, template=template or "", conf_dir=configurations)
        with _kept(folder, node) as keeper:
            # Leaving closes the keeper's input, and waits for its end and that of all others in there.
            running = Containerd(folder, node, lane, keeper, socket)
            running.start(has_network=any(configurations.iterdir()))
            running.import_image(lane.pause_image)
            yield running


def pod(name: str = "web-0", **more: Any) -> dict[str, Any]:
    """What kubelet knows of a pod."""
    return {"name": name, "namespace": "shop", "uid": f"uid-of-{name}", **more}


def _kept(folder: Path, node: SimulatedNode) -> subprocess.Popen[bytes]:
    """The keeper, which waits for its first word."""
    keep = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = ["containerd", "--config", str(folder / "config.toml")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*keep, str(_HERE / "containerd_keeper.sh"), *command],
            env={**os.environ, "CNI_HNS_SIMULATOR": str(node.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )


def _lay_out(folder: Path, lane: Lane, **settings: object) -> None:
    """containerd's own configuration, and its bin folder."""
    (folder / "config.toml").write_text(_CONFIGURATION.format(folder=folder, image=PAUSE_IMAGE, **settings))
    (folder / "program").mkdir()
    lay_out(lane, folder / "program", "cni-hns", windows=False)
    (folder / "bin").mkdir()
    (folder / "bin" / "cni-hns").symlink_to(_HERE / "plugin_of_windows.sh")
    (folder / "bin" / "loopback").symlink_to(there(_LOOPBACK))


def _write_a_network(folder: Path) -> None:
    plugin = {key: value for key, value in l2bridge().items() if key not in ("name", "cniVersion")}
    network = {"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}
    (folder / "10-pods.conflist").write_text(json.dumps(network))


def _id(sandbox: Sandbox) -> dict[str, Any]:
    return {"id": sandbox.id}


def _without_errors(sandboxes: list[Sandbox]) -> list[Sandbox]:
    assert [one.error for one in sandboxes] == [""] * len(sandboxes)
    return sandboxes
