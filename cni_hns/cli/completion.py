"""`cni-hns completion`: what makes a shell complete this program's words.

The shell asks the program itself, with the line so far in its environment; click answers. click knows bash;
PowerShell's side is here: https://learn.microsoft.com/powershell/module/microsoft.powershell.core/register-argumentcompleter
"""

from __future__ import annotations

import os

import click
from click.shell_completion import BashComplete, CompletionItem, ShellComplete, add_completion_class

__all__ = ["VARIABLE", "completion"]

VARIABLE = "_CNI_HNS_COMPLETE"
"""Set by the shell when it asks; click makes this name of the program's."""

_PROGRAM = "cni-hns"

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s, %(prog_name)s.exe -ScriptBlock {
    param($incomplete, $line, $cursor)
    $before = $line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor }
    $env:%(complete_var)s = 'powershell_complete'
    $env:COMP_WORDS = ($before | Select-Object -Skip 1 | ForEach-Object { "$_" }) -join "`n"
    $env:COMP_INCOMPLETE = $incomplete
    try {
        & $line.GetCommandName() | ForEach-Object {
            $value, $help = $_ -split "`t", 2
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
        }
    } finally {
        Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_INCOMPLETE -ErrorAction Ignore
    }
}
"""


@add_completion_class
class PowerShellComplete(ShellComplete):
    """A word a line, with its help behind a tab; the words come a line each, for they may contain blanks."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        words = os.environ.get("COMP_WORDS", "")
        return words.splitlines(), os.environ.get("COMP_INCOMPLETE", "")

    def format_completion(self, item: CompletionItem) -> str:
        # PowerShell refuses an empty tool tip.
        return f"{item.value}\t{item.help or item.value}"


@click.command()
@click.argument("shell", type=click.Choice(["powershell", "bash"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    For good: add it to ~/.bashrc, or to the file that $PROFILE names in PowerShell.
    """
    of_shell = {"powershell": PowerShellComplete, "bash": BashComplete}[shell](
        context.find_root().command, {}, _PROGRAM, VARIABLE
    )
    # Past bash's own, which would start a bash to see how old it is.
    click.echo(ShellComplete.source(of_shell).strip())
