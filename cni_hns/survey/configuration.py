"""What the container runtime loads: its folders, the network configurations in them, and their programs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ConfigurationFile", "ConfigurationSeen", "Program"]


class ConfigurationFile(NamedTuple):
    """A file in the folder of configurations.

    `left`: why the runtime does not load it, "" where it does. `fault`: why nobody can, "" where it can be
    read. `programs` are the `type`s in it; `is_ours`: this program stands for one of them. `network` is the
    configuration's name; `log` and `data_dir` are what ours names, "" where it names none.
    """

    path: str
    left: str
    fault: str = ""
    network: str = ""
    programs: tuple[str, ...] = ()
    is_ours: bool = False
    log: str = ""
    data_dir: str = ""

    @property
    def is_loaded(self) -> bool:
        return not self.left and not self.fault


class Program(NamedTuple):
    """The exe that a configuration's `type` means: `path` is "" where no folder has it.

    `version` is that of a build of this program, "" where the exe is none or does not tell. `is_single`: it
    is this program's single file, which unpacks itself at each start.
    """

    name: str
    path: str
    version: str = ""
    is_ours: bool = False
    is_single: bool = False


class ConfigurationSeen(NamedTuple):
    """Where the runtime looks, by whose word, and what is there.

    `files` are those of the runtime's folder in the order in which it takes them; `elsewhere` are
    configurations of ours in folders that it does not look into. `fault`: why the runtime's own configuration
    cannot be read; `unread`: why the folder of configurations cannot be listed, "" also where there is none.
    `version` is that of the program that looks. `is_of_this_node`: the folder is known to be that of the node
    that is looked at, and not of a machine on which another node is looked at.
    """

    said_by: str
    bin_dirs: tuple[str, ...]
    conf_dir: str
    most_files: int
    files: tuple[ConfigurationFile, ...] = ()
    elsewhere: tuple[ConfigurationFile, ...] = ()
    programs: tuple[Program, ...] = ()
    version: str = ""
    fault: str = ""
    unread: str = ""
    is_of_this_node: bool = False

    @property
    def loaded(self) -> list[ConfigurationFile]:
        """What the runtime has: nothing, where one of the files that it reaches cannot be read."""
        reached = [one for one in self.files if not one.left]
        return [] if any(one.fault for one in reached) else reached
