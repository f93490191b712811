"""All checks, topic by topic, in the order in which they run.

Each is imported by name: a frozen program finds only what is.
"""

from __future__ import annotations

from cni_hns.conformance.checks import (
    add,
    checking,
    configuration,
    delete,
    encoding,
    errors,
    gc,
    leftovers,
    output,
    parallel,
    prevresult,
    results,
    status,
    variables,
    version,
)
from cni_hns.conformance.registry import Check

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    *version.CHECKS,
    *variables.CHECKS,
    *configuration.CHECKS,
    *encoding.CHECKS,
    *add.CHECKS,
    *results.CHECKS,
    *prevresult.CHECKS,
    *delete.CHECKS,
    *checking.CHECKS,
    *status.CHECKS,
    *gc.CHECKS,
    *errors.CHECKS,
    *output.CHECKS,
    *parallel.CHECKS,
    *leftovers.CHECKS,
)
