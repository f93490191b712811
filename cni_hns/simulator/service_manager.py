"""The service manager of a simulated machine: what would run is written down in the node's folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.binding.service_manager import ServiceWanted

__all__ = ["SimulatedServiceManager"]


class SimulatedServiceManager:
    """Services are started and stopped at once, and nothing runs."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "services.json")

    def command(self, name: str) -> str | None:
        """As it was put."""
        service = self._read().get(name)
        return None if service is None else service["command"]

    def state(self, name: str) -> str:
        """running, stopped or missing."""
        service = self._read().get(name)
        return "missing" if service is None else service["state"]

    def put(self, wanted: ServiceWanted) -> None:
        """A new one is stopped."""
        self._write(
            wanted.name,
            {"state": self.state(wanted.name), **wanted._asdict(), "needs": ",".join(wanted.needs)},
        )

    def start(self, name: str) -> None:
        """Raises: OSError, for one that is missing."""
        services = self._read()
        if name not in services:
            raise OSError(f'service "{name}": no such service')
        self._write(name, {**services[name], "state": "running"})

    def stop(self, name: str, timeout_s: float) -> None:  # noqa: ARG002 - it stops at once
        """At once."""
        services = self._read()
        if name in services:
            self._write(name, {**services[name], "state": "stopped"})

    def delete(self, name: str) -> None:
        """With its state."""
        services = self._read()
        services.pop(name, None)
        self._save(services)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            with open(self._path, encoding="utf-8") as file:
                services: dict[str, dict[str, str]] = json.load(file)
        except FileNotFoundError:
            return {}
        return services

    def _write(self, name: str, service: dict[str, str]) -> None:
        state = service["state"].replace("missing", "stopped")
        self._save({**self._read(), name: {**service, "state": state}})

    def _save(self, services: dict[str, dict[str, str]]) -> None:
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(services, file, indent=1)
        os.replace(self._path + ".new", self._path)
