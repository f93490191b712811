"""`cni-hns config check`: what is wrong with a network configuration, before a pod finds out."""

from __future__ import annotations

import click

from cni_hns.cli.configurations import read_bytes
from cni_hns.cli.output import print_json
from cni_hns.cli.session import json_option

__all__ = ["config"]


@click.group()
def config() -> None:
    """Network configurations."""


@config.command()
@click.argument("file")
@json_option
def check(file: str, as_json: bool) -> int:
    """Check a network configuration of any dialect that this program reads.

    Prints every finding with the path of its field. Exit code 1 if there are any.
    """
    # With the models and netaddr, as much to load as all the other commands together.
    from cni_hns.dialects.lint import check_file_text

    findings = check_file_text(read_bytes(file))
    if as_json:
        print_json([{"id": finding.path, **finding._asdict()} for finding in findings])
    elif findings:
        for finding in findings:
            click.echo(f"{finding.severity}: {finding}")
    else:
        click.echo(f"{file}: nothing is wrong")
    return 1 if findings else 0
