"""What an operator must know, as Events on the Node: `kubectl describe node` shows them.

They are Events of core/v1: kubectl reads these, and one patch counts a repetition. The account has to be let
create and patch events, and no more.

The Node's name stands in the place of its uid, as kubelets have had it: every kubectl looks for that one,
older ones for no other, and it is known also where the Node is not.
https://github.com/kubernetes/kubernetes/issues/29289
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.faults import ApiFault, Closed, Forbidden, Invalid, Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.api.client import Api
    from cni_hns.log import Log

__all__ = ["Events"]

# Events of what has no namespace are there.
_NAMESPACE = "default"
_EVENTS = Resource("v1", "events", _NAMESPACE)
# What the API server takes at most, in bytes.
_LONGEST_MESSAGE = 1024
_LONGEST_NAME = 230
_EVERY_S = 300.0
# After the API has not taken one, the next is not sent for so long: each would wait for its answer.
_REST_S = 30.0
_MOST = 64


class _Told(NamedTuple):
    reason: str
    message: str
    kind: str


class _Sent(NamedTuple):
    name: str
    times: int
    at_s: float


class Events:
    """Tells in a thread of its own, so that nobody waits for the API; what it cannot tell is logged.

    The same thing told again goes up in one object's count, once in five minutes at most.
    """

    def __init__(
        self,
        api: Api,
        component: str,
        node_name: str,
        *,
        log: Log | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        rest_s: float = _REST_S,
    ) -> None:
        self._api = api.twin()
        self._component = component
        self._node = node_name
        self._log = log
        self._clock_s = clock_s
        self._rest_s = rest_s
        self._lock = threading.Condition()
        # What is to be sent, oldest first, and how often it was told; and what was sent.
        self._due: OrderedDict[_Told, int] = OrderedDict()
        self._sent: OrderedDict[_Told, _Sent] = OrderedDict()
        self._has_failed = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def tell(self, reason: str, message: str, *, warning: bool) -> None:
        """`reason` is one word for machines, such as "PodCIDRChanged"; `message` is for people."""
        told = _Told(reason, _cut(message), "Warning" if warning else "Normal")
        with self._lock:
            sent = self._sent.get(told)
            if sent is not None and self._clock_s() - sent.at_s < _EVERY_S:
                # It is counted when it is told again later.
                self._sent[told] = sent._replace(times=sent.times + 1)
                return
            self._due[told] = self._due.get(told, 0) + 1
            while len(self._due) > _MOST:
                self._due.popitem(last=False)
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all was sent, or one could not be; whether all was sent within this time."""
        with self._lock:
            self._lock.wait_for(lambda: not self._due or self._has_failed, timeout_s)
            return not self._due

    def close(self) -> None:
        """End the thread; what was not sent is not sent any more."""
        with self._lock:
            self._is_closed = True
            self._lock.notify_all()
        self._api.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (told := self._next()) is not None:
            try:
                self._send(told)
            except Closed:
                return
            except ApiFault as fault:
                self._failed(told, fault)
            else:
                self._settle(told)

    def _next(self) -> _Told | None:
        """The oldest that is due, which stays there until it was sent; None: it is over."""
        with self._lock:
            self._lock.wait_for(lambda: self._due or self._is_closed)
            return None if self._is_closed else next(iter(self._due))

    def _send(self, told: _Told) -> None:
        """One patch, or one object made. Raises: ApiFault."""
        with self._lock:
            sent, times = self._sent.get(told), self._due.get(told, 1)
        if sent is not None:
            count = sent.times + times
            try:
                self._api.patch(_EVENTS, sent.name, {"count": count, "lastTimestamp": _now()})
            except Missing:
                # The API server forgets an Event after an hour.
                pass
            else:
                self._remember(told, sent.name, count)
                return
        name = f"{self._node[:_LONGEST_NAME].rstrip('-.')}.{time.time_ns():x}"
        self._api.create(_EVENTS, self._document(name, told, times))
        self._remember(told, name, times)

    def _document(self, name: str, told: _Told, count: int) -> dict[str, Any]:
        """https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/, core/v1's form."""
        now = _now()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": _NAMESPACE},
            "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": self._node},
            "type": told.kind,
            "reason": told.reason,
            "message": told.message,
            "source": {"component": self._component, "host": self._node},
            "reportingComponent": self._component,
            "reportingInstance": self._node,
            "count": count,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }

    def _remember(self, told: _Told, name: str, count: int) -> None:
        with self._lock:
            self._sent[told] = _Sent(name, count, self._clock_s())
            self._sent.move_to_end(told)
            while len(self._sent) > _MOST:
                self._sent.popitem(last=False)

    def _settle(self, told: _Told) -> None:
        with self._lock:
            self._has_failed = False
            self._due.pop(told, None)
            self._lock.notify_all()

    def _failed(self, told: _Told, fault: ApiFault) -> None:
        """What the API server will never take is dropped; for all else it gets a rest."""
        if self._log is not None:
            self._log.event(
                f"the Event {told.reason} was not sent: {fault}", "warning", event_message=told.message
            )
        with self._lock:
            if isinstance(fault, (Forbidden, Invalid)):
                self._due.pop(told, None)
            self._has_failed = True
            self._lock.notify_all()
            self._lock.wait_for(lambda: self._is_closed, self._rest_s)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _cut(message: str) -> str:
    encoded = message.encode()
    if len(encoded) <= _LONGEST_MESSAGE:
        return message
    return encoded[: _LONGEST_MESSAGE - len("…".encode())].decode(errors="ignore") + "…"
