"""The command `cni-hns`: its groups, and how a failure becomes one line and an exit code.

Exit codes: 0 done, 1 not done (one line on stderr), 2 the command line is wrong.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cni_hns.binding.errors import ServiceError
from cni_hns.cli import commands
from cni_hns.cli.failure import Failure
from cni_hns.cli.session import Session
from cni_hns.cni.errors import CniError
from cni_hns.dialects.findings import ConfigFault
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cni_hns.cli.session import Connect

__all__ = ["cli", "main"]

_PROGRAM = "cni-hns"
_FAILED = 1
_WRONG_USAGE = 2
_INTERRUPTED = 130


class _Commands(click.Group):
    """Loads a command when it is asked for: each of them needs little of what all need together."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(commands.ALL)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        load = commands.ALL.get(cmd_name)
        return None if load is None else load()


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour: on a terminal only (auto, unless NO_COLOR is set), always or never.",
)
@click.pass_context
def cli(context: click.Context, color: str) -> None:
    """Look at and change the container networks of this node.

    With CNI_COMMAND in the environment the same program is the CNI plugin that a runtime calls.
    """
    context.color = {"always": True, "never": False}.get(color)


def main(argv: Sequence[str] | None, connect: Connect) -> int:
    """Run one command; the exit code. `connect` opens this node's HNS, for commands that need it."""
    session = Session(connect)
    try:
        outcome = cli.main(
            args=None if argv is None else list(argv), prog_name=_PROGRAM, standalone_mode=False, obj=session
        )
        sys.stdout.flush()
    except click.ClickException as fault:
        fault.show()
        return _WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`). At its end the interpreter flushes what is left:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except ConfigFault as fault:
        click.echo(f"{_PROGRAM}: {one_line(str(fault.to_its_author()))}", err=True)
        return _FAILED
    except (Failure, CniError, ServiceError, LedgerFault, LedgerBusy, OSError) as fault:
        click.echo(f"{_PROGRAM}: {' '.join(str(fault).split())}", err=True)
        return _FAILED
    finally:
        session.close()
    return outcome if isinstance(outcome, int) else 0
