"""`cni-hns demo`: arguments, the folder, the picture of the node, and the verdict at the end."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.demo.configuration import default_configuration, on_the_demo_node
from cni_hns.cli.demo.inventory import Inventory, look
from cni_hns.cli.demo.node import DemoNode
from cni_hns.cli.demo.picture import picture
from cni_hns.cli.demo.report import Report
from cni_hns.cli.failure import Failure
from cni_hns.cli.layout import folded
from cni_hns.cli.output import print_json, terminal_width
from cni_hns.cli.session import json_option
from cni_hns.dialects.compile import compile_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["demo"]

_SOMEWHERE = ""


@click.command()
@click.option("--config", metavar="FILE", help="Network configuration to use (default: conf/l2bridge.conf).")
@click.option(
    "--keep",
    is_flag=False,
    flag_value=_SOMEWHERE,
    metavar="[DIR]",
    help="Leave the node's state for looking at, in DIR or a new folder.",
)
@click.option(
    "--profile",
    default="",
    metavar="NAME",
    help="The Windows that is simulated: server-2019, server-2022, server-2025 or server-2025-updated.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show each step: what is sent, and what comes of it.")
@json_option
def demo(config: str | None, keep: str | None, profile: str, verbose: bool, as_json: bool) -> int:
    """Run the life of a pod on a simulated node, and show the node before it, in it and after it.

    Its namespace, its containers, its network, and an end that leaves nothing. Every command is a process of
    its own. Ends with exit code 1 if a step answers unexpectedly or anything is left over.
    """
    # It knows the documents of HCS, which take a while to load: not every command shall wait for them.
    from cni_hns.cli.demo.story import Story

    _require_simulator(profile)
    path = config or default_configuration()
    with _folder(keep) as folder:
        node = DemoNode(folder, profile)
        document = on_the_demo_node(path, folder)
        node.write("demo.conf", document)
        report = Report(quiet=as_json or not verbose)
        _introduce(report, node, path)
        if not (verbose or as_json):
            click.echo(
                f"The life of two pods on a simulated node{_profile_words(node)}. Each step: --verbose\n"
            )
        moments = Story(node, document, compile_plan(document), report, lambda: look(node)).tell()
        report.comparison(moments)
        left_over = moments["after"].beyond(moments["before"])
        good = not (report.unexpected or left_over)
        if as_json:
            print_json(_summary(report, moments, left_over))
        else:
            if not verbose:
                _draw(moments, str(document["name"]), report)
            _verdict(report, left_over)
            if keep is not None:
                _say_where_to_look(node)
    return 0 if good else 1


def _require_simulator(profile: str) -> None:
    try:
        from cni_hns.simulator import PROFILES
    except ImportError as fault:
        raise Failure(
            "this executable holds no simulated HNS, and a demo does not touch a real node's networks; "
            "run it from the Python package"
        ) from fault
    if profile and profile not in PROFILES:
        raise click.BadParameter(
            f"there is no profile {profile}; take one of {', '.join(PROFILES)}", param_hint="--profile"
        )


@contextlib.contextmanager
def _folder(keep: str | None) -> Iterator[str]:
    """A fresh folder for the node, deleted at the end unless it is to be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="cni-hns-demo-", ignore_cleanup_errors=True) as folder:
            yield folder
        return
    if keep == _SOMEWHERE:
        yield tempfile.mkdtemp(prefix="cni-hns-demo-")
        return
    folder = os.path.abspath(keep)
    os.makedirs(folder, 0o755, exist_ok=True)
    if os.listdir(folder):
        raise Failure(f'"{folder}" is not empty; the demo starts with a fresh node')
    yield folder


def _introduce(report: Report, node: DemoNode, path: str) -> None:
    report.say(
        f"A simulated node{_profile_words(node)}. Each command is a process of its own, in this place:"
    )
    for line in _entering(node):
        report.line(line)
    report.say(f"demo.conf is {path} with its paths moved here; the other files have what a runtime adds.")


def _profile_words(node: DemoNode) -> str:
    return f", as {node.profile}" if node.profile else ""


def _draw(moments: dict[str, Inventory], network: str, report: Report) -> None:
    lines = picture(moments, network, sys.stdout.encoding or "utf-8")
    # A dual-stack pod's line is longer than a page.
    for line in folded(lines, terminal_width()):
        click.echo(line)
    ending = "collected by GC" if report.has_sent("CNI_COMMAND=GC") else "given back by a late DEL"
    click.echo(f"pod-a was ended by DEL; pod-b was forgotten by its runtime, and {ending}.")


def _entering(node: DemoNode) -> list[str]:
    """What a shell needs to work with the node, in the folder that the shown commands name files in."""
    if os.name == "nt":
        variables = [f"$env:{name} = '{value}'" for name, value in node.variables.items()]
        return [*variables, f"cd '{node.folder}'"]
    variables = [f"export {name}={shlex.quote(value)}" for name, value in node.variables.items()]
    return [*variables, f"cd {shlex.quote(node.folder)}"]


def _verdict(report: Report, left_over: list[str]) -> None:
    click.echo()
    for line in [*report.unexpected, *(f"left over: {one}" for one in left_over)]:
        click.echo(line)
    steps = f"{len(report.steps)} steps in {report.processes} processes"
    if report.unexpected or left_over:
        click.echo(f"{steps}; NOT as it should be: see the lines above")
    else:
        click.echo(f"{steps}, each answered as expected; nothing is left over")


def _say_where_to_look(node: DemoNode) -> None:
    click.echo(f"\nThe node's state is in {node.folder}. To look at it:")
    lists = [f"{kind} list" for kind in ("network", "container", "pod", "endpoint", "namespace", "ipam")]
    for line in (*_entering(node), *(f"cni-hns {command}" for command in lists)):
        click.echo(f"  {line}")


def _summary(report: Report, moments: dict[str, Inventory], left_over: list[str]) -> dict[str, Any]:
    return {
        "steps": report.steps,
        "moments": {moment: inventory._asdict() for moment, inventory in moments.items()},
        "unexpected": report.unexpected,
        "leftOver": left_over,
    }
