"""Where each command is, loaded when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

__all__ = ["ALL", "by_topic"]


def _agent() -> click.Command:
    from cni_hns.cli.cluster.agent import agent

    return agent


def _cluster() -> click.Command:
    from cni_hns.cli.cluster.command import cluster

    return cluster


def _completion() -> click.Command:
    from cni_hns.cli.completion import completion

    return completion


def _config() -> click.Command:
    from cni_hns.cli.checks import config
    from cni_hns.cli.explanation import explain

    config.add_command(explain)
    return config


def _conformance() -> click.Command:
    from cni_hns.cli.conformance.command import conformance

    return conformance


def _container() -> click.Command:
    from cni_hns.cli.containers.command import container

    return container


def _demo() -> click.Command:
    from cni_hns.cli.demo.command import demo

    return demo


def _diagnose() -> click.Command:
    from cni_hns.cli.diagnose import diagnose

    return diagnose


def _doctor() -> click.Command:
    from cni_hns.cli.doctor import doctor

    return doctor


def _endpoint() -> click.Command:
    from cni_hns.cli.endpoints import endpoint

    return endpoint


def _gc() -> click.Command:
    from cni_hns.cli.collection import gc

    return gc


def _help() -> click.Command:
    from cni_hns.cli.helping import help_

    return help_


def _install() -> click.Command:
    from cni_hns.cli.install import install

    return install


def _ipam() -> click.Command:
    from cni_hns.cli.exchange import export, import_
    from cni_hns.cli.leases import ipam

    ipam.add_command(export)
    ipam.add_command(import_)
    return ipam


def _ledger() -> click.Command:
    from cni_hns.cli.ledger import ledger

    return ledger


def _metrics() -> click.Command:
    from cni_hns.cli.metrics import metrics

    return metrics


def _namespace() -> click.Command:
    from cni_hns.cli.namespaces import namespace

    return namespace


def _network() -> click.Command:
    from cni_hns.cli.networks import network

    return network


def _pod() -> click.Command:
    from cni_hns.cli.pods import pod

    return pod


def _service() -> click.Command:
    from cni_hns.cli.services.command import service

    return service


def _trace() -> click.Command:
    from cni_hns.cli.tracing import trace

    return trace


def _status() -> click.Command:
    from cni_hns.cli.status.command import status

    return status


def _uninstall() -> click.Command:
    from cni_hns.cli.install import uninstall

    return uninstall


def _version() -> click.Command:
    from cni_hns.cli.versions import version

    return version


ALL: dict[str, Callable[[], click.Command]] = {
    "agent": _agent,
    "cluster": _cluster,
    "completion": _completion,
    "config": _config,
    "conformance": _conformance,
    "container": _container,
    "demo": _demo,
    "diagnose": _diagnose,
    "doctor": _doctor,
    "endpoint": _endpoint,
    "gc": _gc,
    "help": _help,
    "install": _install,
    "ipam": _ipam,
    "ledger": _ledger,
    "metrics": _metrics,
    "namespace": _namespace,
    "network": _network,
    "pod": _pod,
    "service": _service,
    "status": _status,
    "trace": _trace,
    "uninstall": _uninstall,
    "version": _version,
}

_TOPICS = {
    "Look at the node": ("status", "pod", "service", "diagnose", "trace", "metrics"),
    "Mend it": ("doctor", "gc", "ledger"),
    "Network": ("network", "endpoint", "namespace", "ipam"),
    "Cluster": ("agent", "cluster"),
    "Containers": ("container",),
    "Install": ("install", "uninstall", "config", "completion", "version", "help"),
    "Try": ("demo", "conformance"),
}


def by_topic() -> dict[str, list[str]]:
    """The names of all commands by what they are for, in the order of the help."""
    placed = {topic: [name for name in names if name in ALL] for topic, names in _TOPICS.items()}
    others = sorted(ALL.keys() - {name for names in placed.values() for name in names})
    return {topic: names for topic, names in {**placed, "Other": others}.items() if names}
