"""A group of commands that knows the words of other tools, and says which of its own is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Commands"]

# What kubectl, docker, crictl, ip and hnsdiag call it.
_VERBS = {
    "add": ("create", "add"),
    "describe": ("show", "explain"),
    "del": ("delete", "release", "kill"),
    "delete": ("release", "kill"),
    "destroy": ("delete", "kill"),
    "free": ("release",),
    "get": ("list", "show"),
    "info": ("show",),
    "inspect": ("show", "explain"),
    "lint": ("check",),
    "ls": ("list",),
    "new": ("create",),
    "ps": ("list",),
    "remove": ("delete", "release", "kill"),
    "repair": ("rebuild",),
    "rm": ("delete", "release", "kill"),
    "run": ("exec", "create"),
    "terminate": ("kill",),
    "top": ("stats",),
    "validate": ("check",),
    "view": ("show",),
}

_NOUNS = {
    "addresses": "ipam",
    "clean": "gc",
    "collect": "gc",
    "check": "doctor",
    "cleanup": "gc",
    "containers": "container",
    "debug": "diagnose",
    "ep": "endpoint",
    "health": "status",
    "info": "status",
    "ip": "ipam",
    "lb": "service",
    "leases": "ipam",
    "net": "network",
    "ns": "namespace",
    "po": "pod",
    "prune": "gc",
    "remove": "uninstall",
    "sandbox": "pod",
    "svc": "service",
    "sysdump": "diagnose",
    "system": "container",
    "upgrade": "install",
}

# Longer than any: a help text that ends in dots helps nobody.
_WHOLE = 200


class Commands(click.Group):
    """`cni-hns pod ls` is answered with: did you mean "cni-hns pod list"?"""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self._is_unknown(ctx, args[0]):
            raise click.UsageError(self._words(ctx, args), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._write(ctx, formatter, "Commands", self.list_commands(ctx))

    def _write(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: Sequence[str]
    ) -> None:
        found = [(name, self.get_command(ctx, name)) for name in names]
        with formatter.section(title):
            formatter.write_dl([(name, one.get_short_help_str(_WHOLE)) for name, one in found if one])

    def _is_unknown(self, ctx: click.Context, word: str) -> bool:
        return not (ctx.resilient_parsing or word.startswith("-") or self.get_command(ctx, word))

    def _words(self, ctx: click.Context, args: Sequence[str]) -> str:
        meant = [f'"{ctx.command_path} {one}"' for one in self._meant(ctx, args)]
        hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
        return f'no command "{ctx.command_path} {args[0]}"{hint}'

    def _meant(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        """The paths below this group that were likely meant, best first."""
        # Most command lines are right.
        from difflib import get_close_matches

        known = self.list_commands(ctx)
        word, *rest = (one.lower() for one in args)
        inverted = self._of_kubectl(ctx, word, rest)
        if inverted:
            return inverted
        named = _named(word, known)
        close = get_close_matches(word, known)
        return list(dict.fromkeys([*named, *(one for one in _VERBS.get(word, ()) if one in known), *close]))

    def _of_kubectl(self, ctx: click.Context, verb: str, rest: Sequence[str]) -> list[str]:
        """kubectl says the verb first: `get pods`, `delete network cbr0`. A verb alone could be of any."""
        meant = (verb, *_VERBS.get(verb, ()))
        known = self.list_commands(ctx)
        groups = {name: self.get_command(ctx, name) for name in (_named(rest[0], known) if rest else known)}
        return [
            f"{name} {one}"
            for name, group in groups.items()
            if isinstance(group, click.Group)
            for one in meant
            if group.get_command(ctx, one)
        ]


def _named(word: str, known: Sequence[str]) -> list[str]:
    """The object that a plural or a short form names."""
    candidates = (_NOUNS.get(word, ""), word, word.removesuffix("s"), word.removesuffix("es"))
    return [one for one in dict.fromkeys(candidates) if one in known]
