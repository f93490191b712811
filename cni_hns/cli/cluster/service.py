"""`cni-hns agent --service`: the agent as the Windows service that `cni-hns install --kubernetes` makes.

Nobody reads what a service prints: what the agent says is in its log, and so is why it could not begin.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from cni_hns.binding.windows_service import NotStartedAsService, serve
from cni_hns.cli.failure import Failure
from cni_hns.cli.install.node_agent import SERVICE
from cni_hns.log import Log

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from cni_hns.cli.session import Session
    from cni_hns.cluster.settings import AgentSettings

__all__ = ["run_as_service", "with_log"]

_LOG = "agent.log"
_LOG_BYTES = 10_000_000


def with_log(settings: AgentSettings, session: Session) -> AgentSettings:
    """The settings; without a log of their own it is beside the ledger."""
    if settings.log_file:
        return settings
    folder = settings.data_dir or session.node.machine.state_folder()
    return settings._replace(log_file=os.path.join(folder, _LOG))


def run_as_service(settings: AgentSettings, run: Callable[[threading.Event], int]) -> int:
    """`run` until the service manager wants it to end. With another exit code than 0 it is started again.

    Raises:
        Failure: the service manager did not start this process.
    """
    try:
        serve(SERVICE, lambda stop: _logged(settings, run, stop))
    except (NotStartedAsService, OSError) as fault:
        raise Failure(str(fault)) from fault
    return 0


def _logged(settings: AgentSettings, run: Callable[[threading.Event], int], stop: threading.Event) -> int:
    log = Log(stderr=False)
    log.configure(settings.log_file, settings.log_level, _LOG_BYTES)
    log.event("the service begins")
    try:
        code = run(stop)
    except Exception as fault:
        log.event(f"the agent cannot go on: {fault}", "error", traceback=traceback.format_exc())
        return 1
    log.event(f"the service ends with exit code {code}")
    return code
