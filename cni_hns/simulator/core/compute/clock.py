"""The node's clock for compute systems: the real one, and what a test has let pass at once."""

from __future__ import annotations

import time

from cni_hns.simulator.core.store import State

__all__ = ["elapsed_100ns", "now", "timestamp"]

_100NS = 10_000_000


def now(state: State) -> float:
    """Seconds since 1970."""
    row = state.row("SELECT clock_ahead_s FROM compute")
    return time.time() + (float(row[0]) if row else 0.0)


def elapsed_100ns(since: float, until: float) -> int:
    """What lies between, in 100 ns; nothing where the real clock was set back."""
    return max(0, int((until - since) * _100NS))


def timestamp(moment: float) -> str:
    """As HCS writes it: UTC, seven digits of a second."""
    seconds, part = divmod(int(moment * _100NS), _100NS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{part:07d}Z"
