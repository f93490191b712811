"""One input: a node, a call, and what is wrong with either; all of it plain JSON, to be printed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.fuzz.scenes import NETNS, NEW, container
from tests.fuzz.seeds import BASES, PLUGIN, SECRET

__all__ = ["Input", "parsed", "printed"]

_USES_ATTACHMENT = ("ADD", "DEL", "CHECK")


class Input(NamedTuple):
    """Everything that decides what a call does."""

    kind: str
    verb: str = "ADD"
    base: str = "l2bridge"
    pods: int = 0
    """How many attachments the node has, of the containers pod1, pod2 …"""
    pod: int = 1
    """The attachment that the verb is about."""
    config: Any = None
    """The document on stdin; None for that of the base."""
    raw: str | None = None
    """The bytes on stdin, as Latin-1, in place of a document."""
    environ: dict[str, str | None] = {}  # noqa: RUF012 - replaced, never changed
    """Variables that are other than usual; None takes one away."""
    ipam: dict[str, dict[str, Any]] = {}  # noqa: RUF012
    """What the IPAM plugin does on each command (`scenes.write_plugin`)."""
    hns: list[dict[str, Any]] = []  # noqa: RUF012
    """What becomes of answers of HNS (`lies.Liar`)."""
    ledger: list[dict[str, Any]] = []  # noqa: RUF012
    """Columns of the ledger that are set before: table, row (counted), column, value (an SQL literal)."""
    flips: list[list[int]] = []  # noqa: RUF012
    """Bytes of the ledger's file that are changed before: where, with what."""
    process: bool = False
    """In a process of its own, through its pipes."""

    @property
    def document(self) -> Any:
        """The document on stdin, where there is one."""
        return BASES[self.base].config if self.config is None else self.config

    def stdin(self) -> bytes:
        """What the program reads, before `@NODE@` is put in."""
        return json.dumps(self.document).encode() if self.raw is None else self.raw.encode("latin-1")

    def variables(self) -> dict[str, str]:
        """The environment of the call, before `@NODE@` is put in; no process can have a NUL in it."""
        usual = {
            "CNI_COMMAND": self.verb,
            "CNI_PATH": "@NODE@/bin",
            "CNI_ARGS": f"IgnoreUnknown=1;TOKEN={SECRET}",
        }
        if self.verb in _USES_ATTACHMENT:
            usual["CNI_CONTAINERID"] = container(self.pod)
            usual["CNI_NETNS"] = NETNS.get(self.pod, NETNS[NEW])
            usual["CNI_IFNAME"] = "eth0"
        given = {**usual, **self.environ}
        return {key: value.replace("\0", "") for key, value in given.items() if value is not None}

    @property
    def delegates(self) -> bool:
        """Whether another IPAM plugin may speak."""
        return PLUGIN in json.dumps(self.document)


def printed(one: Input) -> str:
    """The input on one line, without what is as usual."""
    usual = Input(one.kind)._asdict()
    return json.dumps(
        {key: value for key, value in one._asdict().items() if key == "kind" or value != usual[key]}
    )


def parsed(text: str) -> Input:
    """The input that was printed so."""
    return Input(**json.loads(text))
