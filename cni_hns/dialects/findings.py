"""What is wrong with a configuration: each fault with the path of the field, all of them at once."""

from __future__ import annotations

from cni_hns.typed import NamedTuple

__all__ = ["ConfigFault", "Finding"]


class Finding(NamedTuple):
    """One fault. `severity` is "error" (a verb refuses it) or, of the operator's commands only, "warning"
    (it works otherwise than its author thinks) or "note" (worth knowing, and no fault).
    """

    path: str
    message: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def to_its_author(self) -> Finding:
        """The same with the values that its message masks: for who wrote them into a file."""
        return self._replace(message=getattr(self.message, "plainly", self.message))


class ConfigFault(ValueError):
    """A configuration, or what the runtime adds to it, cannot be used.

    Paths start at the configuration's top level; those that start with `CNI_ARGS` lead into the environment.
    """

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = findings

    def to_its_author(self) -> ConfigFault:
        """The same with the values that its messages mask: for who wrote them into a file."""
        return ConfigFault([finding.to_its_author() for finding in self.findings])

    @property
    def cni_code(self) -> int:
        """The CNI error code: 4 where only the environment is at fault, 7 for the configuration."""
        return 4 if all(finding.path.startswith("CNI_ARGS") for finding in self.findings) else 7
