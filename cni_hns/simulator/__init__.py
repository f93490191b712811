"""A simulated Host Network Service that stands where Windows' DLLs stand.

It meets the rest only at C functions and the JSON they carry; its rules cite Microsoft's pages, or say that
they are inferred from what was seen in the field. What no evidence settles is an option with a name
(`core.options`).
"""

from __future__ import annotations

from cni_hns.simulator.core.profiles import PROFILES, UnknownProfile
from cni_hns.simulator.simulator import Leak, Simulator, open_simulator

__all__ = ["PROFILES", "Leak", "Simulator", "UnknownProfile", "open_simulator"]
