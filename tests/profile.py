"""The Windows whose simulated nodes the tests drive: `pytest --profile`.

Rule: a test of what an older HNS lacks says so by the marker `needs`; the run says which HNS that is.
"""

from __future__ import annotations

from cni_hns.simulator import PROFILES
from cni_hns.simulator.core.options import Options
from cni_hns.simulator.core.versions import Version, has_feature, schema_of

__all__ = ["NAMES", "choose", "chosen", "lacking"]

NAMES = list(PROFILES)

_chosen = [""]


def choose(name: str) -> None:
    """From now on every new node is of this profile; "" for the simulator's own default."""
    _chosen[0] = name


def chosen() -> str:
    """The profile of new nodes."""
    return _chosen[0]


def lacking(*features: str, schema: Version = (2, 0)) -> str:
    """What of these features and this schema the nodes have not, with their HNS; empty if they have all."""
    name = chosen()
    version = PROFILES[name].hns if name else Options({}).version
    missing = [feature for feature in features if not has_feature(feature, version)]
    if schema_of(version) < schema:
        missing.append(f"schema {schema[0]}.{schema[1]}")
    hns = f"HNS {version[0]}.{version[1]}{f' of {name}' if name else ''}"
    return f"{hns} has no {', no '.join(missing)}" if missing else ""
