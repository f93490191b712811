"""A collection kept up to date: listed once, watched from there, listed again where the watch has a gap.

Rule 1: what was known stays known while the API is away; only a complete list, or a DELETED event, takes an
object away.
Rule 2: nobody is called while a lock is held.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from cni_hns.cluster.api.faults import ApiFault, Away, Closed, Expired, Strange

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.api.asked import Resource
    from cni_hns.cluster.api.client import Api, WatchEvent

__all__ = ["Mirror", "Pauses", "without_bookkeeping"]

Document = dict[str, Any]


class _Selectors(TypedDict):
    label_selector: str
    field_selector: str


# The server ends a watch after these seconds, each node's at another time.
_WATCH_S = 240.0, 480.0
# One that ends so much earlier was ended by a server that goes down, perhaps to return with an older store.
_EARLY_S = 5.0


class Pauses(NamedTuple):
    """Seconds between tries: the first, and the longest, which they grow to.

    Each pause is drawn from the upper half of its length.
    """

    first_s: float = 1.0
    longest_s: float = 30.0

    def after(self, failures: int) -> float:
        """The pause after so many failures in a row, one at least."""
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 16))
        return random.uniform(whole_s / 2, whole_s)  # noqa: S311 - it only spreads the tries of many nodes


PAUSES = Pauses()


def without_bookkeeping(document: Document) -> Document:
    """The object without what only the API server itself needs: half of a Node's size."""
    about = {key: value for key, value in document.get("metadata", {}).items() if key != "managedFields"}
    return {**document, "metadata": about}


class Mirror:
    """One thread that keeps a copy of the collection; `changed` is called in it, after each change.

    It is also called when a fault has begun or ended. `keep` says what of an object is kept: a change of
    anything else is no change. It must not change its argument.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        changed: Callable[[], None],
        *,
        label_selector: str = "",
        field_selector: str = "",
        keep: Callable[[Document], Document] = without_bookkeeping,
        pauses: Pauses = PAUSES,
    ) -> None:
        # Its own, to be closed at the end.
        self._api = api.twin()
        self._resource = resource
        self._changed = changed
        self._selectors: _Selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._keep = keep
        self._pauses = pauses
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._objects: dict[str, Document] = {}
        self._whole = False
        self._fault: ApiFault | None = None
        self._lists = 0
        # In a row, without an event or a whole watch between them.
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"mirror of {resource.plural}", daemon=True)

    def start(self) -> None:
        """Begin to list; once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, whatever it waits for; what is known stays."""
        self._stopping.set()
        self._api.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def whole(self) -> bool:
        """Whether there has ever been a complete list."""
        with self._lock:
            return self._whole

    @property
    def fault(self) -> ApiFault | None:
        """Why it may not be current now; None: it is."""
        with self._lock:
            return self._fault

    @property
    def lists(self) -> int:
        """How many complete lists there have been: all but the first are gaps in the watch."""
        with self._lock:
            return self._lists

    def objects(self) -> dict[str, Document]:
        """What was last known, all of one moment, by name, or by namespace/name: to read, not to change."""
        with self._lock:
            return dict(self._objects)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow(self._list())
            except Closed:
                return
            except ApiFault as fault:
                self._failed(fault)
            except Exception as fault:  # an object that `keep` cannot read must not end the thread unseen
                self._failed(Strange(f"unforeseen while {self._resource.plural} were read: {fault!r}"))

    def _failed(self, fault: ApiFault) -> None:
        """Wait before the next try; not after a watch that ran for a while and has only a gap now."""
        self._failures += 1
        if isinstance(fault, Expired) and self._failures == 1:
            return
        self._tell(fault)
        wish_s = (isinstance(fault, Away) and fault.retry_after_s) or 0.0
        pause_s = max(self._pauses.after(self._failures), min(wish_s, self._pauses.longest_s))
        self._stopping.wait(pause_s)

    def _list(self) -> str:
        """The point to watch from."""
        listing = self._api.list(self._resource, **self._selectors)
        found = {_name(one): self._keep(one) for one in listing.items}
        with self._lock:
            is_news = found != self._objects or not self._whole or self._fault is not None
            self._objects, self._whole, self._fault = found, True, None
            self._lists += 1
        if is_news:
            self._changed()
        return listing.resource_version

    def _follow(self, version: str) -> None:
        """Watch again and again, until there may be a gap.

        After a failure the collection is listed and not watched on: a server that comes back may have been
        given an older store, whose history says nothing of what went away.
        """
        while not self._stopping.is_set():
            watch_s = random.uniform(*_WATCH_S)  # noqa: S311 - it only spreads the watches of many nodes
            began_s = time.monotonic()
            for event in self._api.watch(self._resource, version, timeout_s=watch_s, **self._selectors):
                version = event.resource_version or version
                self._failures = 0
                self._take(event)
            if time.monotonic() - began_s < int(watch_s) - _EARLY_S:
                raise Away(f"the watch of {self._resource.plural} ended before its time; it is listed anew")
            self._failures = 0

    def _take(self, event: WatchEvent) -> None:
        if event.kind == "BOOKMARK":
            return
        name = _name(event.object)
        with self._lock:
            before = self._objects.get(name)
            if event.kind == "DELETED":
                self._objects.pop(name, None)
                after = None
            else:
                after = self._objects[name] = self._keep(event.object)
        if before != after:
            self._changed()

    def _tell(self, fault: ApiFault) -> None:
        with self._lock:
            has_begun = self._fault is None
            self._fault = fault
        if has_begun:
            self._changed()


def _name(document: Document) -> str:
    """Raises: Strange: it has none, and so is nothing that an API server keeps."""
    about = document.get("metadata", {})
    name, namespace = about.get("name"), about.get("namespace")
    if not isinstance(name, str) or not name:
        raise Strange("an object of the API server's answer has no name")
    return f"{namespace}/{name}" if namespace else name
