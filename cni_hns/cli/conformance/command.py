"""`cni-hns conformance`: which plugin, which checks, and how the run is shown."""

from __future__ import annotations

import fnmatch
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.conformance.namespaces import HcnNamespaces
from cni_hns.cli.conformance.report import Progress, print_checks, print_summary
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_json
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.cni.errors import NO_HNS, CniError
from cni_hns.conformance import (
    CHECKS,
    Check,
    CommandNamespaces,
    ConfigurationFault,
    GivenNamespaces,
    IpNamespaces,
    NamespaceFault,
    Namespaces,
    NotStarted,
    PluginConfiguration,
    ProcessRunner,
    Runner,
    Subject,
    Suite,
    Summary,
    TextNamespaces,
    as_json,
    as_junit,
    read_configuration,
)
from cni_hns.conformance.configuration import IPAM, KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["conformance"]


@click.command()
@click.option("--plugin", metavar="PATH", help="The plugin's program (needed, unless --list).")
@click.option("--config", metavar="FILE", help="Network configuration: a list or a single plugin's (needed).")
@click.option(
    "--type", "type_", metavar="TYPE", help="Which plugin of the list (default: by the program's name)."
)
@click.option(
    "--kind", type=click.Choice(KINDS), help="What the plugin is (default: by its place in the file)."
)
@click.option("--runner", metavar="CMD", help="Command put before the plugin's path, such as an emulator.")
@click.option("--cni-path", metavar="DIRS", help="CNI_PATH, as it is (default: the plugin's folder).")
@click.option("--netns", "given", metavar="NETNS", multiple=True, help="A namespace that exists; repeatable.")
@click.option("--netns-command", metavar="CMD", help="Makes the namespace {name} and prints its CNI_NETNS.")
@click.option(
    "--netns-delete-command", metavar="CMD", help="Removes the namespace {name}, whose CNI_NETNS is {netns}."
)
@click.option("--prev-result", metavar="FILE", help="What a chained plugin gets as prevResult of an ADD.")
@click.option(
    "--unused-network",
    is_flag=True,
    help="Nobody else uses the network: run GC too, which takes from others what is not listed.",
)
@click.option(
    "--only", metavar="CHECK", multiple=True, help="Only these: an id, a topic, or a pattern with *."
)
@click.option("--skip", metavar="CHECK", multiple=True, help="Not these; repeatable like --only.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one call of the plugin may take.",
)
@click.option("--junit", metavar="FILE", help="Write the findings there as JUnit XML.")
@click.option("--list", "only_list", is_flag=True, help="Show the checks and run none.")
@json_option
@in_this_session
def conformance(  # noqa: PLR0917 -- one parameter for each option
    session: Session,
    plugin: str | None,
    config: str | None,
    type_: str | None,
    kind: str | None,
    runner: str | None,
    cni_path: str | None,
    given: tuple[str, ...],
    netns_command: str | None,
    netns_delete_command: str | None,
    prev_result: str | None,
    unused_network: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    timeout_s: float,
    junit: str | None,
    only_list: bool,
    as_json: bool,
) -> int:
    """Check any CNI plugin against the CNI specification.

    The plugin is run as a runtime would run it, and judged by its exit code and output alone. Ends with exit
    code 1 if a check fails or something is left over, 2 if the plugin could not be run at all.
    """
    checks = _chosen(only, skip)
    if only_list:
        print_checks(checks, as_json)
        return 0
    if not (plugin and config):
        raise click.UsageError("--plugin and --config are needed (or --list, to see the checks)")
    command = [*_words(runner), plugin]
    if not runner and not os.path.isfile(plugin):
        raise click.UsageError(f'there is no plugin "{plugin}"')
    try:
        configuration = read_configuration(config, plugin, type_, kind)
        folders = cni_path or os.path.dirname(os.path.abspath(plugin))
        previous = _previous(prev_result)
        subject = Subject(
            ProcessRunner(command, timeout_s),
            configuration,
            _namespaces(session, configuration.kind, given, netns_command, netns_delete_command),
            folders,
            unused_network=unused_network,
            previous=previous,
            earlier=[] if previous else _earlier(configuration, folders, _words(runner), timeout_s),
        )
        summary = _run(subject, checks, plugin, quiet=as_json)
    except (ConfigurationFault, NotStarted, NamespaceFault) as fault:
        raise click.UsageError(str(fault)) from fault
    _tell(plugin, subject, summary, junit, as_json)
    return 0 if summary.ok else 1


def _run(subject: Subject, checks: Sequence[Check], plugin: str, *, quiet: bool) -> Summary:
    suite = Suite(subject, checks)
    with Progress(plugin, subject.configuration, len(checks), quiet=quiet) as progress:
        try:
            return suite.run(progress)
        except BaseException:
            # What stays behind after an interrupted run must not stay unsaid.
            for line in suite.left_over:
                click.echo(f"left over: {line}", err=True)
            raise


def _tell(plugin: str, subject: Subject, summary: Summary, junit: str | None, json_wanted: bool) -> None:
    if junit is not None:
        try:
            Path(junit).write_bytes(as_junit(plugin, subject, summary))
        except OSError as fault:
            raise Failure(f'"{junit}" cannot be written: {fault.strerror or fault}') from fault
    if json_wanted:
        print_json(as_json(plugin, subject, summary))
    else:
        print_summary(summary)


def _chosen(only: Sequence[str], skip: Sequence[str]) -> list[Check]:
    for pattern in (*only, *skip):
        if not any(_fits(check, pattern) for check in CHECKS):
            raise click.UsageError(f'no check is called "{pattern}"; --list shows them')
    wanted = [check for check in CHECKS if not only or any(_fits(check, pattern) for pattern in only)]
    return [check for check in wanted if not any(_fits(check, pattern) for pattern in skip)]


def _fits(check: Check, pattern: str) -> bool:
    return check.topic == pattern or fnmatch.fnmatchcase(check.id, pattern)


def _words(runner: str | None) -> list[str]:
    """The runner's words; on Windows a backslash belongs to a path."""
    if not runner:
        return []
    words = shlex.split(runner, posix=os.name != "nt")
    return [word.strip('"') for word in words] if os.name == "nt" else words


def _namespaces(
    session: Session,
    kind: str,
    given: Sequence[str],
    make: str | None,
    remove: str | None,
) -> Namespaces:
    """As the options say; else texts for an IPAM plugin, and for others the namespaces of this node's HNS."""
    if given and make:
        raise click.UsageError("--netns and --netns-command exclude each other")
    if remove and not make:
        raise click.UsageError("--netns-delete-command goes with --netns-command")
    if given:
        return GivenNamespaces(given)
    if make:
        return CommandNamespaces(make, remove)
    if kind == IPAM:
        return TextNamespaces()
    try:
        return HcnNamespaces(session.hcn)
    except CniError as fault:
        if fault.code != NO_HNS:
            raise
        if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip"):
            return IpNamespaces()
        raise click.UsageError(
            "this machine has no HNS to make namespaces in: say --netns or --netns-command, set "
            "CNI_HNS_SIMULATOR for a plugin that uses the simulated one, or on Linux be root and have `ip`"
        ) from fault


def _earlier(
    configuration: PluginConfiguration, folders: str, runner: list[str], timeout_s: float
) -> list[tuple[Runner, PluginConfiguration]]:
    """The plugins before a chained one, as long as the folders have all of them; else none.

    Without them the chained plugin gets a result that is made up.
    """
    found: list[tuple[Runner, PluginConfiguration]] = []
    for one in configuration.earlier():
        type_ = str(one.plugin.get("type"))
        names = [name for name in (f"{type_}.exe", type_) if os.path.basename(name) == name]
        paths = [os.path.join(folder, name) for folder in folders.split(os.pathsep) for name in names]
        path = next(filter(os.path.isfile, paths), None)
        if path is None:
            click.echo(
                f"{type_}, which comes before this plugin, is missing in {folders}: prevResult is made up "
                "(say --cni-path, or --prev-result)",
                err=True,
            )
            return []
        found.append((ProcessRunner([*runner, path], timeout_s), one))
    return found


def _previous(path: str | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        document = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as fault:
        raise click.UsageError(f'"{path}" cannot be used as a result: {fault}') from fault
    if not isinstance(document, dict):
        raise click.UsageError(f'"{path}" is not a JSON object')
    return document
