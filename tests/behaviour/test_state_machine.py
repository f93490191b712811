"""Verbs and misfortunes in any order, held against a plain dictionary of the attachments there should be."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cni_hns.identity import endpoint_id
from tests.harness import Answer, SimulatedNode, l2bridge
from tests.packaging import current

_CONTAINERS = [letter * 64 for letter in "abcdef"]
_INTERFACES = ["eth0", "eth1"]
_KEYS = st.tuples(st.sampled_from(_CONTAINERS), st.sampled_from(_INTERFACES))

# Fewer addresses than there are keys: used-up ranges are part of every longer run.
_CAPACITY = 8
_RANGE = {"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.10", "rangeEnd": "10.88.0.17"}
_CONFIG = l2bridge(ipam={"type": "cni-hns", "ranges": [[_RANGE]]})

_Key = tuple[str, str]

_QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


class _Pod:
    """What the model knows of an attachment; the flags say what others have deleted of it."""

    def __init__(self, namespace: str, answer: Answer) -> None:
        self.namespace = namespace
        self.answer = answer
        self.has_endpoint = True
        self.has_namespace = True

    @property
    def whole(self) -> bool:
        return self.has_endpoint and self.has_namespace


class Verbs(RuleBasedStateMachine):
    """One simulated node, and the dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.pods: dict[_Key, _Pod] = {}

    @initialize()
    def begins(self) -> None:
        self.node = SimulatedNode(self.folder)

    def teardown(self) -> None:
        self.node.close()
        shutil.rmtree(self.folder)

    def _call(self, command: str, key: _Key, namespace: str = "", **more: Any) -> Answer:
        container, ifname = key
        return self.node.call(command, {**_CONFIG, **more}, container, namespace, ifname=ifname)

    @rule(key=_KEYS)
    def add(self, key: _Key) -> None:
        if key in self.pods:
            return self._add_again(key)
        namespace = self.node.namespace()
        answer = self._call("ADD", key, namespace)
        if len(self.pods) == _CAPACITY:
            assert (answer.exit_code, answer.document["code"]) == (1, 101), answer.words
            return None
        assert answer.exit_code == 0, answer.words
        self.pods[key] = _Pod(namespace, answer)
        return None

    def _add_again(self, key: _Key) -> None:
        """The same answer, whatever others deleted, as long as there is a namespace to put an endpoint in."""
        pod = self.pods[key]
        answer = self._call("ADD", key, pod.namespace)
        if not pod.has_namespace:
            assert (answer.exit_code, answer.document["code"]) == (1, 100), answer.words
            return
        assert answer == pod.answer, answer.words
        pod.has_endpoint = True

    @rule(key=_KEYS, nth=st.integers(1, 6), took_effect=st.booleans())
    def add_while_a_call_fails(self, key: _Key, nth: int, took_effect: bool) -> None:
        """A failed ADD leaves nothing behind, and a failed repeat takes nothing from the pod."""
        pod = self.pods.get(key)
        namespace = pod.namespace if pod else self.node.namespace()
        self.node.simulator.inject(function="*", nth=nth, hresult=0x80004005, took_effect=took_effect)
        answer = self._call("ADD", key, namespace)
        self.node.simulator.clear_faults()
        if answer.exit_code != 0:
            assert answer.document["code"] in {100, 101}, answer.words
        elif pod is None:
            self.pods[key] = _Pod(namespace, answer)
        else:
            assert answer == pod.answer
            pod.has_endpoint = True

    @rule(key=_KEYS, nth=st.integers(1, 4), took_effect=st.booleans(), finished_by_gc=st.booleans())
    def delete_while_a_call_fails(self, key: _Key, nth: int, took_effect: bool, finished_by_gc: bool) -> None:
        """What a failed DEL left is taken away by the next DEL, or by GC."""
        self.pods.pop(key, None)
        self.node.simulator.inject(function="*", nth=nth, hresult=0x80004005, took_effect=took_effect)
        answer = self._call("DEL", key)
        self.node.simulator.clear_faults()
        if answer.exit_code == 0:
            return
        assert answer.document["code"] == 105, answer.words
        if finished_by_gc:
            self.collect(-1)
        else:
            assert self._call("DEL", key).exit_code == 0

    @rule(
        key=_KEYS,
        change=st.sampled_from([{}, {"mtu": 1400}, {"runtimeConfig": {"mac": "02:00:00:00:00:01"}}]),
    )
    def add_something_else(self, key: _Key, change: dict[str, Any]) -> None:
        """Another namespace, and perhaps another request: refused, and nothing changes."""
        if key in self.pods:
            answer = self._call("ADD", key, self.node.namespace(), **change)
            assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words

    @rule(key=_KEYS, with_namespace=st.booleans(), times=st.integers(1, 2))
    def delete(self, key: _Key, with_namespace: bool, times: int) -> None:
        pod = self.pods.pop(key, None)
        namespace = pod.namespace if pod and with_namespace else ""
        for _ in range(times):
            answer = self._call("DEL", key, namespace)
            assert (answer.exit_code, answer.stdout) == (0, ""), answer.words

    @rule(keep=st.integers(0, 2**12 - 1))
    def collect(self, keep: int) -> None:
        """The bits of `keep` choose the attachments that the runtime still knows."""
        valid = {key: pod for bit, (key, pod) in enumerate(sorted(self.pods.items())) if keep >> bit & 1}
        entries = [{"containerID": container, "ifname": ifname} for container, ifname in valid]
        answer = self.node.call("GC", {**_CONFIG, "cni.dev/valid-attachments": entries})
        assert (answer.exit_code, answer.stdout) == (0, ""), answer.words
        self.pods = valid

    @rule(key=_KEYS)
    def check(self, key: _Key) -> None:
        pod = self.pods.get(key)
        if pod is None:
            return
        answer = self._call("CHECK", key, pod.namespace, prevResult=pod.answer.document)
        if pod.whole:
            assert (answer.exit_code, answer.stdout) == (0, ""), answer.words
        else:
            assert (answer.exit_code, answer.document["code"]) == (1, 104), answer.words

    @precondition(lambda self: self.pods)
    @rule(key=_KEYS)
    def lose_an_endpoint(self, key: _Key) -> None:
        pod = self.pods.get(key)
        if pod is not None:
            self.node.simulator.remove(endpoint_id("pods", *key))
            pod.has_endpoint = False

    @precondition(lambda self: self.pods)
    @rule(key=_KEYS)
    def lose_a_namespace(self, key: _Key) -> None:
        pod = self.pods.get(key)
        if pod is not None:
            self.node.simulator.remove(pod.namespace)
            pod.has_namespace = False

    @rule()
    def lose_the_network(self) -> None:
        self.node.simulator.remove("pods")
        for pod in self.pods.values():
            pod.has_endpoint = False

    @rule()
    def swap_the_network(self) -> None:
        """Deleted and made again by somebody else, under another ID."""
        if self.node.hcn.networks.ids(Name="pods"):
            self.node.simulator.swap_network("pods")
            for pod in self.pods.values():
                pod.has_endpoint = False

    @rule()
    def restart_hns(self) -> None:
        self.node.simulator.restart_hns()

    @invariant()
    def no_two_attachments_have_one_address(self) -> None:
        leases = self.node.leases()
        assert len({lease.address for lease in leases}) == len(leases)
        endpoints = [address for view in self.node.endpoints() for address, _ in view.addresses]
        assert len(set(endpoints)) == len(endpoints)

    @invariant()
    def each_attachment_has_what_is_its_own_and_nothing_else_is_there(self) -> None:
        assert {
            (row.key.container_id, row.key.ifname): row.phase for row in self.node.rows()
        } == dict.fromkeys(self.pods, "ready")
        assert {(one.container_id, one.ifname): one.address for one in self.node.leases()} == {
            key: pod.answer.addresses[0].partition("/")[0] for key, pod in self.pods.items()
        }
        assert {view.id: view.namespace for view in self.node.endpoints()} == {
            endpoint_id("pods", *key): pod.namespace if pod.has_namespace else None
            for key, pod in self.pods.items()
            if pod.has_endpoint
        }

    @invariant()
    def each_namespace_has_the_endpoints_of_its_pod(self) -> None:
        for key, pod in self.pods.items():
            if pod.has_namespace:
                members = {endpoint_id("pods", *key)} if pod.has_endpoint else set()
                assert self.node.in_namespace(pod.namespace) == members


TestVerbs = Verbs.TestCase
TestVerbs.settings = settings(
    max_examples=40 if current().is_in_process else 4,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=_QUIET,
)


def _state(node: SimulatedNode) -> tuple[object, ...]:
    """All there is in HNS and in the ledger, but for the times at which rows were written."""
    return node.simulator.dump(), node.rows(), node.leases(all_of_them=True)


class _Once:
    """A node for one example, with some pods on it."""

    def __init__(self, keys: list[_Key]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.node = SimulatedNode(self.folder)
        self.keys = keys
        for key in keys:
            assert self.call("ADD", key, self.node.namespace()).exit_code == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.close()
        shutil.rmtree(self.folder)

    def call(self, command: str, key: _Key, namespace: str = "") -> Answer:
        return self.node.call(command, _CONFIG, key[0], namespace, ifname=key[1])


_FEW_KEYS = st.lists(_KEYS, unique=True, max_size=4)
_few_examples = settings(
    max_examples=10 if current().is_in_process else 3, deadline=None, suppress_health_check=_QUIET
)


@_few_examples
@given(keys=_FEW_KEYS, key=_KEYS)
def test_del_twice_is_del_once(keys: list[_Key], key: _Key) -> None:
    with _Once(keys) as once:
        assert once.call("DEL", key).exit_code == 0
        after_the_first = _state(once.node)
        answer = once.call("DEL", key)
        assert (answer.exit_code, answer.stdout) == (0, "")
        assert _state(once.node) == after_the_first


@_few_examples
@given(keys=_FEW_KEYS, lost=st.sets(st.integers(0, 3)))
def test_gc_with_every_attachment_valid_changes_nothing(keys: list[_Key], lost: set[int]) -> None:
    with _Once(keys) as once:
        for number, key in enumerate(keys):
            if number in lost:
                once.node.simulator.remove(endpoint_id("pods", *key))
        before = _state(once.node)
        entries = [{"containerID": container, "ifname": ifname} for container, ifname in keys]
        answer = once.node.call("GC", {**_CONFIG, "cni.dev/valid-attachments": entries})
        assert (answer.exit_code, answer.stdout) == (0, "")
        assert _state(once.node) == before


@_few_examples
@given(keys=_FEW_KEYS, key=_KEYS)
def test_add_then_del_restores_the_node(keys: list[_Key], key: _Key) -> None:
    with _Once([one for one in keys if one != key]) as once:
        namespace = once.node.namespace()
        before = _state(once.node)
        assert once.call("ADD", key, namespace).exit_code == 0
        assert once.call("DEL", key, namespace).exit_code == 0
        dump, *ledger = _state(once.node)
        dump_before, *ledger_before = before
        assert isinstance(dump, dict)
        assert isinstance(dump_before, dict)
        # A first ADD makes the network, and that stays for the next pod.
        dump.pop("networks")
        dump_before.pop("networks")
        assert (dump, ledger) == (dump_before, ledger_before)
