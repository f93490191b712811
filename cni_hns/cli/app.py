"""The command `cni-hns`: its groups, and how a failure becomes one line and an exit code.

Exit codes: 0 done, 1 not done (one line on stderr), 2 the command line is wrong. Under `--json` a failure is
an object on stdout too.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from cni_hns import __version__
from cni_hns.binding.errors import ServiceError
from cni_hns.cli import commands
from cni_hns.cli.examples import with_examples
from cni_hns.cli.failure import Failure, failure_document, wants_json
from cni_hns.cli.groups import Commands
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


_COMPLETE = "_CNI_HNS_COMPLETE"


class _AllCommands(Commands):
    """Loads a command when it is asked for: each of them needs little of what all need together."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(commands.ALL)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        load = commands.ALL.get(cmd_name)
        return None if load is None else with_examples(load(), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for topic, names in commands.by_topic().items():
            self._write(ctx, formatter, topic, names)


@click.group(
    cls=_AllCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Help of one: cni-hns help COMMAND. First steps: cni-hns demo.",
)
@click.version_option(__version__, "-V", "--version", prog_name=_PROGRAM, message="%(prog)s %(version)s")
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
    arguments = sys.argv[1:] if argv is None else list(argv)
    if _COMPLETE in os.environ:
        # A shell asks; click answers it in `cli.main` and ends the process.
        import cni_hns.cli.completion  # noqa: F401 - it makes PowerShell known to click
    session = Session(connect)
    try:
        outcome = cli.main(args=arguments, prog_name=_PROGRAM, standalone_mode=False, obj=session)
        sys.stdout.flush()
    except click.ClickException as fault:
        fault.show()
        return _failed(fault, fault.format_message(), _WRONG_USAGE, arguments)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`). At its end the interpreter flushes what is left:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except (Failure, CniError, ConfigFault, ServiceError, LedgerFault, LedgerBusy, OSError) as fault:
        # The file is the operator's own: what is wrong in it is shown.
        told = fault.to_its_author() if isinstance(fault, ConfigFault) else fault
        words = one_line(" ".join(str(told).split()))
        click.echo(f"{_PROGRAM}: {words}", err=True)
        return _failed(fault, words, _FAILED, arguments)
    finally:
        session.close()
    return outcome if isinstance(outcome, int) else 0


def _failed(fault: Exception, words: str, exit_code: int, arguments: Sequence[str]) -> int:
    if wants_json(arguments):
        click.echo(json.dumps(failure_document(fault, words, exit_code), indent=2))
    return exit_code
