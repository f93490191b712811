"""Claims: who may work on an attachment, and what is repaired."""

from __future__ import annotations

import pytest

from cni_hns.binding.processes import Owner
from cni_hns.identity import KubernetesPod, endpoint_id
from cni_hns.ledger import AttachmentKey, Ledger, LedgerFault
from cni_hns.ledger.attachments import LONG_PAST_S
from tests.unit.ledger.shorthand import (
    ENDPOINT,
    FINGERPRINT,
    KEY,
    NAMESPACE,
    NOW,
    OURS,
    RESULT,
    THEIRS,
    add,
    claim,
    dead,
    delete,
    lease,
    living,
    ready,
)

LONG_PAST = NOW + 100 + LONG_PAST_S + 1


class TestAClaim:
    def test_of_an_unknown_attachment_is_new(self, ledger: Ledger) -> None:
        claimed = add(ledger)
        assert (claimed.kind, claimed.before, claimed.ours) == ("new", None, True)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.phase, row.fingerprint, row.namespace_id) == ("adding", FINGERPRINT, NAMESPACE)
        assert (row.owner, row.token, row.deadline_at, row.updated_at) == (OURS, "first", NOW + 100, NOW)
        assert (row.endpoint_id, row.hcn_network_id, row.request, row.result, row.until) == (None,) * 5

    @pytest.mark.parametrize("first", ["adding", "deleting"])
    @pytest.mark.parametrize("second", ["adding", "deleting"])
    def test_of_what_a_living_owner_works_on_is_busy(self, ledger: Ledger, first: str, second: str) -> None:
        claim(ledger, KEY, first, "first", owner=THEIRS)
        before = ledger.attachment(KEY)
        claimed = claim(ledger, KEY, second, "second")
        assert (claimed.kind, claimed.before, claimed.ours) == ("busy", before, False)
        assert ledger.attachment(KEY) == before

    @pytest.mark.parametrize("first", ["adding", "deleting"])
    @pytest.mark.parametrize("second", ["adding", "deleting"])
    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"alive": dead}, id="dead"),
            pytest.param({"now": LONG_PAST}, id="alive, its deadline long past"),
        ],
    )
    def test_takes_over_what_nobody_works_on(
        self, ledger: Ledger, first: str, second: str, changes: dict[str, object]
    ) -> None:
        claim(ledger, KEY, first, "first", owner=THEIRS)
        ledger.record(KEY, "first", endpoint_id=ENDPOINT, request={"ID": ENDPOINT})
        before = ledger.attachment(KEY)
        claimed = claim(ledger, KEY, second, "second", **changes)
        assert (claimed.kind, claimed.before) == ("taken_over", before)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.phase, row.token, row.owner) == (second, "second", OURS)
        assert (row.endpoint_id, row.request) == (ENDPOINT, {"ID": ENDPOINT})

    def test_at_the_deadline_itself_is_still_busy(self, ledger: Ledger) -> None:
        add(ledger)
        assert add(ledger, by="second", now=NOW + 100 + LONG_PAST_S).kind == "busy"

    def test_asks_whether_the_rows_owner_lives(self, ledger: Ledger) -> None:
        asked: list[Owner] = []

        def remember(owner: Owner) -> bool:
            asked.append(owner)
            return False

        add(ledger, owner=THEIRS)
        add(ledger, by="second", alive=remember)
        assert asked == [THEIRS]

    def test_by_an_add_leaves_a_ready_attachment_alone(self, ledger: Ledger) -> None:
        ready(ledger)
        before = ledger.attachment(KEY)
        claimed = add(ledger, by="second", alive=dead)
        assert (claimed.kind, claimed.before, claimed.ours) == ("ready", before, False)
        assert ledger.attachment(KEY) == before

    def test_by_an_add_takes_the_ready_row_that_it_has_looked_at(self, ledger: Ledger) -> None:
        ready(ledger)
        assert add(ledger, by="second", replacing="first").kind == "taken_over"
        assert ledger.make_ready(KEY, "second", RESULT)
        assert add(ledger, by="third", replacing="first").kind == "ready"

    def test_by_a_del_takes_a_ready_attachment(self, ledger: Ledger) -> None:
        ready(ledger)
        claimed = delete(ledger)
        assert claimed.kind == "taken_over"
        assert claimed.before is not None
        assert claimed.before.phase == "ready"
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.phase, row.namespace_id, row.fingerprint) == ("deleting", NAMESPACE, FINGERPRINT)

    @pytest.mark.parametrize("phase", ["adding", "deleting"])
    def test_ends_a_tombstone(self, ledger: Ledger, phase: str) -> None:
        delete(ledger)
        ledger.entomb(KEY, "del", NOW + 600)
        claimed = claim(ledger, KEY, phase, "second")
        assert claimed.kind == "taken_over"
        assert claimed.before is not None
        assert (claimed.before.phase, claimed.before.until) == ("tombstone", NOW + 600)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.phase, row.until) == (phase, None)

    def test_of_one_attachment_says_nothing_of_another(self, ledger: Ledger) -> None:
        add(ledger)
        for other in (KEY._replace(ifname="eth1"), KEY._replace(container_id="c"), KEY._replace(network="n")):
            assert add(ledger, other).kind == "new"

    def test_is_part_of_an_open_transaction(self, ledger: Ledger) -> None:
        with pytest.raises(ZeroDivisionError), ledger.transaction():
            _add_and_fail(ledger)
        assert ledger.attachment(KEY) is None


def _add_and_fail(ledger: Ledger) -> None:
    add(ledger)
    raise ZeroDivisionError


class TestWhoLostTheRow:
    """A DEL took the attachment while its ADD was still at work."""

    @pytest.fixture(autouse=True)
    def lost(self, ledger: Ledger) -> None:
        add(ledger)
        delete(ledger, now=LONG_PAST)

    def test_cannot_become_ready(self, ledger: Ledger) -> None:
        assert not ledger.make_ready(KEY, "first", RESULT)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.phase, row.result) == ("deleting", None)

    def test_can_record_nothing(self, ledger: Ledger) -> None:
        assert not ledger.record(KEY, "first", endpoint_id=ENDPOINT)
        row = ledger.attachment(KEY)
        assert row is not None
        assert row.endpoint_id is None

    def test_cannot_remove_or_entomb_it(self, ledger: Ledger) -> None:
        assert not ledger.remove(KEY, "first")
        assert not ledger.entomb(KEY, "first", NOW)
        row = ledger.attachment(KEY)
        assert row is not None
        assert row.phase == "deleting"


class TestTheOwner:
    def test_records_what_it_knows_and_then_is_ready(self, ledger: Ledger) -> None:
        add(ledger)
        assert ledger.record(
            KEY,
            "first",
            endpoint_id=ENDPOINT,
            hcn_network_id=NAMESPACE,
            request={"ID": ENDPOINT},
            now=NOW + 1,
        )
        assert ledger.make_ready(KEY, "first", '{"ips": []}', namespace_id=ENDPOINT, now=NOW + 2)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.endpoint_id, row.hcn_network_id, row.namespace_id) == (ENDPOINT, NAMESPACE, ENDPOINT)
        assert (row.phase, row.request, row.result, row.updated_at) == (
            "ready",
            {"ID": ENDPOINT},
            '{"ips": []}',
            NOW + 2,
        )

    def test_removes_the_row_once(self, ledger: Ledger) -> None:
        delete(ledger)
        assert ledger.remove(KEY, "del")
        assert not ledger.remove(KEY, "del")
        assert ledger.attachment(KEY) is None

    @pytest.mark.parametrize("column", ["phase", "until", "owner_pid", "result = 1 --"])
    def test_cannot_record_what_only_claims_change(self, ledger: Ledger, column: str) -> None:
        add(ledger)
        with pytest.raises(ValueError, match="no column"):
            ledger.record(KEY, "first", **{column: "x"})  # type: ignore[arg-type]


class TestRowsToRepair:
    OTHERS = (
        AttachmentKey("net", "b", "eth0"),
        AttachmentKey("net", "c", "eth0"),
        AttachmentKey("far", "d", "eth0"),
    )

    def keys(self, ledger: Ledger, **changes: object) -> list[AttachmentKey]:
        asked: dict[str, object] = {"network": None, "alive": dead, "now": NOW, "limit": None, **changes}
        return [row.key for row in ledger.stale(**asked)]  # type: ignore[arg-type]

    def test_are_those_without_an_owner_and_never_ready_ones(self, ledger: Ledger) -> None:
        first, second, third = self.OTHERS
        add(ledger, first)
        delete(ledger, second, now=NOW + 1)
        ready(ledger, third)
        assert self.keys(ledger) == [first, second]
        assert self.keys(ledger, alive=living) == []
        assert self.keys(ledger, alive=living, now=LONG_PAST) == [first, second]

    def test_include_all_tombstones(self, ledger: Ledger) -> None:
        delete(ledger)
        ledger.entomb(KEY, "del", NOW + 600)
        assert self.keys(ledger, alive=living) == [KEY]

    def test_come_in_order_of_the_last_look_and_stop_at_the_limit(self, ledger: Ledger) -> None:
        for age, key in enumerate(reversed(self.OTHERS)):
            add(ledger, key, now=NOW + age)
        assert self.keys(ledger) == list(reversed(self.OTHERS))
        assert self.keys(ledger, limit=1) == [self.OTHERS[2]]

    def test_are_of_the_network_asked_for_and_never_the_callers_own(self, ledger: Ledger) -> None:
        for age, key in enumerate(self.OTHERS):
            add(ledger, key, now=NOW + age)
        assert self.keys(ledger, network="far") == [self.OTHERS[2]]
        assert self.keys(ledger, network="net", exclude=self.OTHERS[0]) == [self.OTHERS[1]]

    def test_are_claimed_only_while_they_are_as_they_were_seen(self, ledger: Ledger) -> None:
        add(ledger, owner=THEIRS)
        ledger.record(KEY, "first", endpoint_id=ENDPOINT)
        (row,) = ledger.stale(None, dead, NOW, None)
        assert ledger.claim_stale(row, OURS, "repair", NOW + 100, now=NOW)
        claimed = ledger.attachment(KEY)
        assert claimed is not None
        assert (claimed.phase, claimed.owner, claimed.token) == ("deleting", OURS, "repair")
        assert (claimed.endpoint_id, claimed.namespace_id) == (ENDPOINT, NAMESPACE)
        assert not ledger.claim_stale(row, OURS, "late", NOW + 100, now=NOW)

    def test_are_left_alone_once_another_works_on_them(self, ledger: Ledger) -> None:
        add(ledger, owner=THEIRS)
        (row,) = ledger.stale(None, dead, NOW, None)
        assert add(ledger, by="second", alive=dead).kind == "taken_over"
        assert not ledger.claim_stale(row, OURS, "repair", NOW + 100)

    def test_are_left_alone_once_they_are_ready_or_gone(self, ledger: Ledger) -> None:
        add(ledger)
        (row,) = ledger.stale(None, dead, NOW, None)
        ledger.make_ready(KEY, "first", RESULT)
        assert not ledger.claim_stale(row, OURS, "repair", NOW + 100)
        delete(ledger)
        ledger.remove(KEY, "del")
        assert not ledger.claim_stale(row, OURS, "repair", NOW + 100)


def test_attachments_are_listed_by_key_and_network(ledger: Ledger) -> None:
    keys = [AttachmentKey(network, container, "eth0") for network in "ab" for container in "xy"]
    for key in reversed(keys):
        add(ledger, key)
    assert [row.key for row in ledger.attachments()] == keys
    assert [row.key for row in ledger.attachments("b")] == keys[2:]


def test_an_attachment_is_named_in_words() -> None:
    assert KEY.words() == 'attachment eth0 of container container to network "net"'


class TestHnsV1:
    """`v1_netns` says by which API an attachment was made, and whose endpoint it has."""

    def test_the_row_has_what_the_last_add_asked_for(self, ledger: Ledger) -> None:
        add(ledger, namespace_id=None, v1_netns="none")
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.v1_netns, row.namespace_id, row.netns, row.is_shared) == ("none", None, "none", False)
        add(ledger, by="second", alive=dead)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.v1_netns, row.namespace_id, row.netns) == (None, NAMESPACE, NAMESPACE)

    def test_a_del_leaves_it(self, ledger: Ledger) -> None:
        add(ledger, namespace_id=None, v1_netns="container:other")
        delete(ledger, alive=dead)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.v1_netns, row.is_shared) == ("container:other", True)

    def test_a_shared_endpoint_is_its_owners(self, ledger: Ledger) -> None:
        owner = AttachmentKey("net", "other", "eth0")
        shared = endpoint_id(*owner)
        add(ledger, namespace_id=None, v1_netns="container:other")
        assert ledger.record(KEY, "first", endpoint_id=shared)
        assert ledger.holder_of(shared) is None
        assert ledger.endpoint_ids() == {shared}
        add(ledger, owner, namespace_id=None, v1_netns="none")
        assert ledger.record(owner, "first", endpoint_id=shared)
        assert ledger.holder_of(shared) == owner

    def test_hns_v1_may_choose_another_id(self, ledger: Ledger) -> None:
        add(ledger, namespace_id=None, v1_netns="none")
        assert ledger.record(KEY, "first", endpoint_id=NAMESPACE)
        row = ledger.attachment(KEY)
        assert row is not None
        assert row.endpoint_id == NAMESPACE

    @pytest.mark.parametrize("netns", ["", "container:", "host", NAMESPACE])
    def test_nothing_else_can_be_kept(self, ledger: Ledger, netns: str) -> None:
        with pytest.raises(LedgerFault):
            add(ledger, namespace_id=None, v1_netns=netns)


class TestPods:
    """`pod` is whose an attachment is, by the names that Kubernetes has."""

    WEB = KubernetesPod("shop", "web-0", "uid", "infra")
    DB = KubernetesPod(name="db-0")

    def test_an_attachment_of_nobody_known_has_no_name(self, ledger: Ledger) -> None:
        add(ledger)
        row = ledger.attachment(KEY)
        assert row is not None
        assert (row.pod, row.pod.is_known, row.words()) == (KubernetesPod(), False, KEY.words())
        assert ledger.pods() == {}

    def test_a_claim_without_names_keeps_those_that_are_there(self, ledger: Ledger) -> None:
        add(ledger, pod=self.WEB)
        delete(ledger, alive=dead)
        assert ledger.pod_of(KEY) == self.WEB
        assert ledger.pods() == {KEY: self.WEB}

    def test_names_of_two_claims_are_never_mixed(self, ledger: Ledger) -> None:
        add(ledger, pod=self.WEB)
        add(ledger, by="second", alive=dead, pod=self.DB)
        assert ledger.pod_of(KEY) == self.DB

    def test_a_ready_one_is_named_once_and_by_its_row_only(self, ledger: Ledger) -> None:
        ready(ledger)
        row = ledger.attachment(KEY)
        assert row is not None
        assert not ledger.name_pod(row._replace(token="other"), self.WEB)  # noqa: S106 - no password
        assert ledger.name_pod(row, self.WEB)
        assert not ledger.name_pod(row, self.DB)
        assert ledger.attachment(KEY) == row._replace(pod=self.WEB)

    def test_words_name_the_pod(self) -> None:
        assert KEY.words(self.WEB) == (
            'attachment eth0 of container container (pod shop/web-0) to network "net"'
        )
        assert "(pod db-0)" in KEY.words(self.DB)
        assert KEY.words(KubernetesPod(uid="uid")) == KEY.words()

    def test_some_of_those_with_addresses_are_named_by_kind(self, ledger: Ledger) -> None:
        for number in (3, 1, 2):
            key = AttachmentKey("net", f"c{number}", "eth0")
            add(ledger, key, pod=KubernetesPod("shop", f"web-{number}"))
            ledger.hold(lease(number, container_id=key.container_id))
        ledger.hold(lease(4, container_id="nameless"))
        assert ledger.some_pods("net", 1, 9, NOW, 2) == {"held": ["shop/web-1", "shop/web-2"]}
        assert ledger.some_pods("net", 3, 9, NOW, 2) == {"held": ["shop/web-3"]}
        assert ledger.some_pods("other", 1, 9, NOW, 2) == {}
