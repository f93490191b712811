"""`cni-hns install` and `uninstall`: the program in the folder where a runtime looks for CNI plugins."""

from cni_hns.cli.install.command import install
from cni_hns.cli.install.uninstalling import uninstall

__all__ = ["install", "uninstall"]
