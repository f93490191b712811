"""`cni-hns version`."""

from __future__ import annotations

import click

from cni_hns import __version__
from cni_hns.binding.errors import ServiceError
from cni_hns.cli.output import print_object
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.cni.errors import CniError
from cni_hns.cni.protocol import SUPPORTED

__all__ = ["version"]


@click.command()
@json_option
@in_this_session
def version(session: Session, as_json: bool) -> None:
    """Show the versions of this program, of CNI and of this node's HNS."""
    hns, reason = _hns_version(session)
    fact = {"version": __version__, "cniVersions": list(SUPPORTED) if as_json else ", ".join(SUPPORTED)}
    print_object({**fact, "hns": hns if as_json or hns else f"not reachable: {reason}"}, as_json)


def _hns_version(session: Session) -> tuple[str | None, str]:
    """What HNS says; None and the reason where it does not answer, which is no failure of this command."""
    try:
        major, minor = session.node.hns.version()
    except (CniError, ServiceError) as fault:
        return None, str(fault)
    return f"{major}.{minor}", ""
