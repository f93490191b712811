"""The scripted service of the binding's tests."""

from tests.unit.binding.conftest import log, scripted, service

__all__ = ["log", "scripted", "service"]
