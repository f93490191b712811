"""`install --kubernetes`: the cluster's agent as a Windows service, for nodes without DaemonSets.

Everything that can be wrong is found before the first file is written. Order: settings, service, start; each
step looks at what is there first, so that a killed install is finished by the next one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.access import exposed_file, make_private_folder
from cni_hns.binding.service_manager import ServiceWanted
from cni_hns.cli.failure import Failure
from cni_hns.cni.errors import NO_HNS, CniError

if TYPE_CHECKING:
    from cni_hns.binding.service_manager import ServiceManager
    from cni_hns.cli.session import Session
    from cni_hns.cluster.settings import AgentSettings

__all__ = ["SERVICE", "SETTINGS", "NodeAgent", "agent_for", "remove_agent", "runs_agent"]

SERVICE = "cni-hns-agent"
SETTINGS = "agent.yaml"
_TITLE = "cni-hns agent"
_DESCRIPTION = (
    "Keeps this node's pod network as the Kubernetes API has it: the HCN network, the routes to the pods of "
    "other nodes, and the configuration that containerd loads."
)
# It finishes the step that it is at, which may wait for HNS.
_STOP_TIMEOUT_S = 60.0
_SETTINGS_MODE = 0o644


class NodeAgent(NamedTuple):
    """What is to run on this node: all of it was checked. `text` is what goes into the file `settings`."""

    manager: ServiceManager
    settings: str
    text: bytes
    kubeconfig: str

    def put(self, exe: str, *, is_new_program: bool, dry_run: bool) -> list[str]:
        """Write the settings, make the service of this exe, and have it run with both; what was done.

        Raises: Failure.
        """
        try:
            return self._put(self._wanted(exe), is_new_program=is_new_program, dry_run=dry_run)
        except OSError as fault:
            raise Failure(f"the agent is not installed: {_words(fault)}; install again") from fault

    def _put(self, wanted: ServiceWanted, *, is_new_program: bool, dry_run: bool) -> list[str]:
        is_new = _content(self.settings) != self.text or self.manager.command(SERVICE) != wanted.command
        state = self.manager.state(SERVICE)
        if state == "running" and not (is_new or is_new_program):
            return []
        steps = self._steps(state)
        if dry_run:
            return [f"would {verb} {what}" for verb, _, what in steps]
        self._write()
        self.manager.put(wanted)
        self.manager.stop(SERVICE, _STOP_TIMEOUT_S)
        self.manager.start(SERVICE)
        return [f"{verb} {what}" for _, verb, what in steps]

    def _steps(self, state: str) -> list[tuple[str, str, str]]:
        """What will be done, what was done, and with what."""
        service = f'service "{SERVICE}"'
        return [
            ("write", "wrote", self.settings),
            ("make", "made", service) if state == "missing" else ("change", "changed", service),
            ("restart", "restarted", service) if state == "running" else ("start", "started", service),
        ]

    def _wanted(self, exe: str) -> ServiceWanted:
        command = f'"{exe}" agent --service --config "{self.settings}" --kubeconfig "{self.kubeconfig}"'
        return ServiceWanted(SERVICE, _TITLE, _DESCRIPTION, command, ("hns",))

    def _write(self) -> None:
        make_private_folder(os.path.dirname(self.settings))
        new = self.settings + ".new"
        with open(new, "wb", opener=_for_all_to_read) as file:
            file.write(self.text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.settings)


def agent_for(session: Session, settings: str | None, kubeconfig: str | None, *, offline: bool) -> NodeAgent:
    """The agent with these two files; one that is not named is as it was installed.

    Raises:
        Failure: what is wrong with them, or the API refuses; nothing was changed.
    """
    manager = _manager_of(session)
    target = os.path.join(session.node.machine.state_folder(), SETTINGS)
    source = settings or target
    text = _content(source)
    if text is None:
        raise Failure(
            f'the agent has no settings yet: "{source}" cannot be read; name a file by --agent-config (the '
            "samples are in conf/kubernetes)"
        )
    named = kubeconfig or _kubeconfig_in(_command(manager))
    if not named:
        raise Failure("the agent does not know the cluster's API yet: name a file by --kubeconfig")
    path = os.path.abspath(named)
    for one in {source, path}:
        _see_that_others_cannot_write(one)
    _try_out(_checked(source, path), offline=offline)
    return NodeAgent(manager, target, text, path)


def runs_agent(session: Session) -> bool:
    """Whether the service is on this machine, running or not."""
    try:
        machine = session.node.machine
        machine.state_folder()
    except CniError as fault:
        if fault.code != NO_HNS:
            raise
        return False
    return bool(_command(machine.service_manager()))


def remove_agent(session: Session, *, dry_run: bool) -> list[str]:
    """Stop the service and delete it, with the agent's settings and state. The kubeconfig is left.

    Raises: Failure.
    """
    if not runs_agent(session):
        return []
    from cni_hns.cluster.state import state_file

    folder = session.node.machine.state_folder()
    files = [one for one in (os.path.join(folder, SETTINGS), state_file(folder)) if os.path.exists(one)]
    lines = [f'service "{SERVICE}"', *files]
    if dry_run:
        return [f"would remove {one}" for one in lines]
    manager = _manager_of(session)
    try:
        manager.stop(SERVICE, _STOP_TIMEOUT_S)
        manager.delete(SERVICE)
        for file in files:
            os.unlink(file)
    except OSError as fault:
        raise Failure(f"the agent is not removed: {_words(fault)}; uninstall again") from fault
    return [f"removed {one}" for one in lines]


def _manager_of(session: Session) -> ServiceManager:
    try:
        return session.node.machine.service_manager()
    except CniError as fault:
        if fault.code != NO_HNS:
            raise
        raise Failure(f"the agent is a Windows service: {fault}") from fault


def _command(manager: ServiceManager) -> str:
    """The service's command line; empty where there is no such service."""
    try:
        return manager.command(SERVICE) or ""
    except OSError as fault:
        raise Failure(str(fault)) from fault


def _checked(settings: str, kubeconfig: str) -> AgentSettings:
    from cni_hns.cluster.settings import SettingsFault, Source, read_source, settings_of

    ours = Source("--kubeconfig", {"kubernetes": {"kubeconfig": kubeconfig}})
    try:
        return settings_of([read_source(settings), ours])
    except SettingsFault as fault:
        raise Failure("; ".join(fault.faults)) from fault


def _try_out(settings: AgentSettings, *, offline: bool) -> None:
    """One harmless question, with the rights that the agent will have: its own Node."""
    from cni_hns.cluster.api.access import AccessFault, from_kubeconfig
    from cni_hns.cluster.api.asked import Resource
    from cni_hns.cluster.api.client import Api
    from cni_hns.cluster.api.faults import ApiFault

    try:
        access = from_kubeconfig(settings.kubeconfig, settings.context)
        if offline:
            return
        with Api(access) as api:
            nodes = api.list(
                Resource("v1", "nodes"), field_selector=f"metadata.name={settings.node_name}"
            ).items
    except AccessFault as fault:
        raise Failure("; ".join(fault.faults)) from fault
    except ApiFault as fault:
        raise Failure(f"{fault}. To install all the same: --offline") from fault
    if not nodes:
        raise Failure(
            f'the cluster has no Node "{settings.node_name}": kubelet makes it, under its '
            "--hostname-override; name it by nodeName in the settings, or install all the same with --offline"
        )


def _see_that_others_cannot_write(path: str) -> None:
    exposure = exposed_file(path)
    if exposure is not None:
        raise Failure(
            f"{exposure.what}: whoever changes it decides what the agent, which runs as SYSTEM, does; "
            f"{exposure.next_step}"
        )


def _kubeconfig_in(command: str) -> str:
    """What the service's command line names; empty where it names none."""
    return command.partition('--kubeconfig "')[2].partition('"')[0]


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _for_all_to_read(path: str, flags: int) -> int:
    return os.open(path, flags, _SETTINGS_MODE)


def _words(fault: OSError) -> str:
    return f'"{fault.filename}": {fault.strerror}' if fault.filename else str(fault)
