"""Whether the program has what a page tells its reader to type."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tests.commands import COMMANDS, context_of

__all__ = ["has_options", "unknown"]


def unknown(words: Sequence[str]) -> str:
    """What of the words behind `cni-hns` the program does not have; "" if it has all of them."""
    taken: tuple[str, ...] = ()
    for word in words:
        command = COMMANDS[taken]
        if word == "--":
            break
        if word.startswith("-"):
            if word.partition("=")[0] not in _options(command):
                return f"`{' '.join(('cni-hns', *taken))}` has no option {word}"
        elif isinstance(command, click.Group) and word.replace("-", "").isalpha() and word.islower():
            taken = (*taken, word)
            if taken not in COMMANDS:
                return f"there is no command `cni-hns {' '.join(taken)}`"
    return ""


def has_options(words: Sequence[str], *names: str) -> bool:
    """Whether the command that these words call has all these options."""
    taken = tuple(word for word in words if tuple(words[: words.index(word) + 1]) in COMMANDS)
    return _options(COMMANDS[taken]).issuperset(names)


def _options(command: click.Command) -> set[str]:
    parameters = command.get_params(context_of(command))
    return {name for one in parameters for name in (*one.opts, *one.secondary_opts)}
