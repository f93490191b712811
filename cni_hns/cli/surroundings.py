"""What lies around the networks of this node, as `doctor` looks at it: the machine, what containerd loads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.install.options import place_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cli.session import Session
    from cni_hns.survey.configuration import ConfigurationSeen
    from cni_hns.survey.surroundings import HostSeen

__all__ = ["RuntimePlaces", "look_beside", "runtime_options"]


class RuntimePlaces(NamedTuple):
    """What the command line says of the runtime's places; None: containerd's configuration says it."""

    bin_dir: str | None = None
    conf_dir: str | None = None
    containerd_config: str | None = None


def runtime_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--bin-dir`, `--conf-dir` and `--containerd-config`, which the command gets as `runtime`."""

    @place_options
    @functools.wraps(command)
    def packed(
        *arguments: Any, bin_dir: str | None, conf_dir: str | None, containerd_config: str | None, **more: Any
    ) -> Any:
        return command(*arguments, runtime=RuntimePlaces(bin_dir, conf_dir, containerd_config), **more)

    return packed


def look_beside(
    session: Session, runtime: RuntimePlaces, ledger_path: str, timeout_s: float
) -> tuple[HostSeen, ConfigurationSeen]:
    """Both within `timeout_s`, or a few seconds; what did not come is None, and `notes` has the reason."""
    from cni_hns.cli.runtime import look_at_runtime
    from cni_hns.doctor.examination import look_beside as around

    seen = look_at_runtime(*runtime)
    return around(lambda limit_s: session.node_apart(None, limit_s), seen, ledger_path, timeout_s), seen
