"""The agent's settings as the command line gives them: a file, and options over it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.cluster.api.client import Api
    from cni_hns.cluster.settings import AgentSettings, Source

__all__ = ["api_of", "settings_from", "settings_options"]

_MODES = ("overlay", "l2bridge")

# Each option, the setting's path in the file, and click's way to read it.
_OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--node-name", "nodeName", {"metavar": "NAME", "envvar": "NODE_NAME", "help": "This Node's name."}),
    ("--mode", "mode", {"type": click.Choice(_MODES), "help": "VXLAN, or host routes (default: overlay)."}),
    ("--network", "network.name", {"metavar": "NAME", "help": "The HCN network's name."}),
    ("--adapter", "network.adapter", {"metavar": "NAME", "help": "The adapter that the network is put on."}),
    ("--cluster-cidr", "clusterCIDRs", {"metavar": "PREFIX,…", "help": "The addresses of all pods."}),
    ("--service-cidr", "serviceCIDRs", {"metavar": "PREFIX,…", "help": "The addresses of all services."}),
    ("--kubeconfig", "kubernetes.kubeconfig", {"metavar": "FILE", "help": "How the API is reached."}),
    ("--conf-dir", "cni.folder", {"metavar": "DIR", "help": "Folder of network configurations."}),
    ("--data-dir", "dataDir", {"metavar": "DIR", "help": "Folder of the ledger (default: this node's)."}),
    ("--health", "health", {"metavar": "HOST:PORT", "help": "Where health is told; empty for nowhere."}),
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, `--net-conf` and options for what a trial needs; the command gets `given`."""

    @functools.wraps(command)
    def packed(*arguments: Any, config: str | None, net_conf: str | None, **options: Any) -> Any:
        given = {path: options.pop(_name(option)) for option, path, _ in _OPTIONS}
        sources = (config, net_conf, {path: value for path, value in given.items() if value is not None})
        return command(*arguments, given=sources, **options)

    wrapped = packed
    for option, _, words in reversed(_OPTIONS):
        wrapped = click.option(option, _name(option), **words)(wrapped)
    flannel = click.option("--net-conf", metavar="FILE", help="flannel's net-conf.json: mode, pods' range.")
    settings = click.option("--config", metavar="FILE", help="The agent's settings, in YAML or JSON.")
    return settings(flannel(wrapped))


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def settings_from(given: tuple[str | None, str | None, Mapping[str, Any]]) -> AgentSettings:
    """The settings: flannel's file first, then the agent's own over it, then the command line.

    Raises: Failure: with every mistake of all of them.
    """
    from cni_hns.cli.install.containerd import find_places
    from cni_hns.cluster.settings import SettingsFault, Source, read_source, settings_of

    config, net_conf, options = given
    try:
        sources = [_flannels(net_conf)] if net_conf else []
        sources += [read_source(config)] if config else []
        sources.append(Source("the command line", _nested(options)))
        found = settings_of(sources)
    except SettingsFault as fault:
        raise Failure("; ".join(fault.faults)) from fault
    return found if found.conf_dir else found._replace(conf_dir=find_places(None, None, None).conf_dir)


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in options.items():
        group, _, name = path.rpartition(".")
        (document.setdefault(group, {}) if group else document)[name] = value
    return document


def _flannels(path: str) -> Source:
    from cni_hns.cluster.settings import SettingsFault, from_net_conf

    try:
        with open(path, "rb") as file:
            document = json.load(file)
    except OSError as fault:
        raise SettingsFault([f'"{path}" cannot be read: {fault.strerror or fault}']) from fault
    except (ValueError, RecursionError) as fault:
        raise SettingsFault([f'"{path}" is no JSON: {fault}']) from fault
    if not isinstance(document, dict):
        raise SettingsFault([f'"{path}" is no JSON object'])
    return from_net_conf(path, document)


def api_of(settings: AgentSettings) -> Api:
    """The cluster's API, as these settings reach it; nothing is asked of it yet.

    Raises: Failure: the kubeconfig, or the pod's token, cannot be used.
    """
    from cni_hns.cluster.api.access import AccessFault, from_kubeconfig, in_cluster
    from cni_hns.cluster.api.client import Api

    try:
        if settings.kubeconfig:
            return Api(from_kubeconfig(settings.kubeconfig, settings.context))
        return Api(in_cluster(settings.service_account))
    except AccessFault as fault:
        raise Failure("; ".join(fault.faults)) from fault
