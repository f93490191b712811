"""The machine where there is no HNS: enough for the ledger's commands on a system other than Windows."""

from __future__ import annotations

import os

__all__ = ["PosixMachine"]

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class PosixMachine:
    """A system with files and processes and no HNS."""

    def hns_start(self) -> str:
        """No HNS ever started here."""
        return ""

    def boot_id(self) -> str:
        """The kernel's own (Linux: random at each boot); empty on systems that have none."""
        try:
            with open(_BOOT_ID, encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def state_folder(self) -> str:
        """Under the user's state folder; a relative path in the variable is ignored.

        Source: https://specifications.freedesktop.org/basedir-spec/
        """
        base = os.environ.get("XDG_STATE_HOME", "")
        if not os.path.isabs(base):
            base = os.path.join(os.path.expanduser("~"), ".local", "state")
        return os.path.join(base, "cni-hns")
