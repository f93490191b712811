"""Services of the machine: made, started, stopped and deleted. For `install`; no verb loads this.

Windows (`windows_service_manager.py`) and the simulated node each make a `ServiceManager`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["ServiceManager", "ServiceWanted"]


class ServiceWanted(NamedTuple):
    """A service that runs as SYSTEM, starts with the machine, and is started again whenever it ends badly.

    `command` is its whole command line; `needs` are services that have to run before it.
    """

    name: str
    title: str
    description: str
    command: str
    needs: tuple[str, ...] = ()


class ServiceManager(Protocol):
    """Each method raises OSError, with words for a person, where the service manager refuses."""

    def command(self, name: str) -> str | None:
        """The command line that the service has; None where there is no such service."""

    def state(self, name: str) -> str:
        """As `binding.host.Service.state`."""

    def put(self, wanted: ServiceWanted) -> None:
        """Make the service, or make the one of that name as wanted; one that runs goes on as it is."""

    def start(self, name: str) -> None:
        """Start it; one that runs is left running."""

    def stop(self, name: str, timeout_s: float) -> None:
        """Stop it, and wait until its process has said so; one that is stopped or missing is no error."""

    def delete(self, name: str) -> None:
        """Delete it; one that is missing is no error. It has to be stopped."""
