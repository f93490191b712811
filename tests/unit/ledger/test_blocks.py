"""Blocks of pools: whose addresses they are, and that none is given while its block is given back."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cni_hns.deadline import Deadline
from cni_hns.dialects.plan import SubnetPlan
from cni_hns.ipam import pools
from cni_hns.ipam.errors import RangeExhausted
from cni_hns.ipam.held import release
from cni_hns.ledger import AttachmentKey, Ledger, LedgerFault, open_ledger, schema
from cni_hns.ledger.addresses import address_key
from cni_hns.ledger.blocks import Block, Blocks
from cni_hns.ledger.errors import DamagedRow
from cni_hns.ledger.records import load, records_of
from tests.unit.ledger.shorthand import lease
from tests.unit.ledger.test_damage import put

ONE = Block("net", "blue", "10.0.0.0", "10.0.0.3")
TWO = Block("net", "blue", "10.0.0.8", "10.0.0.15")
SIX = Block("net", "six", "fd00::40", "fd00::7f")
POD = AttachmentKey("net", "pod", "eth0")


@pytest.fixture
def blocks(ledger: Ledger) -> Blocks:
    return Blocks(ledger)


class TestHolding:
    def test_a_block_is_held_once_however_often_that_is_said(self, blocks: Blocks) -> None:
        assert [blocks.hold(ONE), blocks.hold(ONE)] == [None, None]
        assert blocks.all() == [ONE]

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(ONE._replace(pool="red"), id="of another pool"),
            pytest.param(ONE._replace(network="far"), id="of another network"),
            pytest.param(ONE._replace(last="10.0.0.7"), id="that goes on behind it"),
            pytest.param(ONE._replace(first="10.0.0.2"), id="inside of it"),
            pytest.param(ONE._replace(first="9.255.255.0", last="10.0.0.0"), id="that ends in it"),
        ],
    )
    def test_an_address_is_in_one_block_only(self, blocks: Blocks, other: Block) -> None:
        blocks.hold(ONE)
        assert blocks.hold(other) == ONE
        assert blocks.all() == [ONE]

    def test_one_that_is_being_given_back_is_not_held_again(self, blocks: Blocks) -> None:
        """Its deletion may be on the way to the cluster."""
        blocks.hold(ONE)
        assert blocks.drain(ONE)
        assert blocks.hold(ONE) == ONE._replace(state="draining")
        assert blocks.of("net", "blue") == []

    def test_blocks_come_by_address_and_by_pool(self, blocks: Blocks) -> None:
        for one in (TWO, SIX, ONE):
            blocks.hold(one)
        assert (blocks.of("net", "blue"), blocks.of("net", "six")) == ([ONE, TWO], [SIX])
        assert blocks.all() == [ONE, TWO, SIX]

    def test_a_block_knows_its_prefix(self) -> None:
        assert [one.prefix for one in (ONE, TWO, SIX)] == ["10.0.0.0/30", "10.0.0.8/29", "fd00::40/122"]


class TestGivingBack:
    @pytest.mark.parametrize("state", ["held", "quarantined", "entombed"])
    def test_one_with_a_lease_of_any_kind_is_not_drained(
        self, ledger: Ledger, blocks: Blocks, state: str
    ) -> None:
        blocks.hold(ONE)
        ledger.hold(lease("10.0.0.3", state=state, until=None if state == "held" else 1e12))
        assert not blocks.drain(ONE)
        assert blocks.all() == [ONE]

    def test_a_lease_of_another_network_is_none_of_its(self, ledger: Ledger, blocks: Blocks) -> None:
        blocks.hold(ONE)
        ledger.hold(lease("10.0.0.3", network="far"))
        assert blocks.drain(ONE)

    def test_a_held_one_is_not_forgotten(self, blocks: Blocks) -> None:
        blocks.hold(ONE)
        assert not blocks.forget(ONE)
        assert blocks.drain(ONE)
        assert not blocks.drain(ONE)
        assert blocks.forget(ONE)
        assert not blocks.forget(ONE)
        assert blocks.all() == []

    def test_a_lost_one_is_forgotten_once_its_pods_are_gone(self, ledger: Ledger, blocks: Blocks) -> None:
        blocks.hold(ONE)
        ledger.hold(lease("10.0.0.3", container_id=POD.container_id))
        assert blocks.lose(ONE)
        assert blocks.of("net", "blue") == []
        assert not blocks.forget(ONE)
        release(ledger, POD)
        assert blocks.forget(ONE)

    def test_none_is_given_while_the_block_goes(self, path: str, ledger: Ledger, blocks: Blocks) -> None:
        """Of an ADD and a giving back that meet, one sees what the other did, whichever comes first."""
        for _ in range(40):
            blocks.hold(ONE)
            start = Barrier(2)
            with ThreadPoolExecutor(2) as threads:
                given = threads.submit(_allocate, path, start)
                drained = threads.submit(_drain, path, start)
            assert given.result() != drained.result()
            release(ledger, POD)
            assert blocks.drain(ONE) or drained.result()
            assert blocks.forget(ONE)


def _allocate(path: str, start: Barrier) -> bool:
    with contextlib.closing(open_ledger(path, Deadline(20))) as ledger:
        start.wait()
        try:
            return bool(pools.allocate(ledger, POD, ["blue"], [SubnetPlan("10.0.0.0/24", None)]))
        except RangeExhausted:
            return False


def _drain(path: str, start: Barrier) -> bool:
    with contextlib.closing(open_ledger(path, Deadline(20))) as ledger:
        start.wait()
        return Blocks(ledger).drain(ONE)


class TestTheFile:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("pool", "CAST(x'ff41' AS TEXT)"),
            ("network", "CAST(x'ff41' AS TEXT)"),
            ("first", "x'00'"),
            ("last", "x'ffff'"),
            ("block_state", "'lent'"),
        ],
    )
    def test_a_value_that_cannot_be_is_a_fault(
        self, ledger: Ledger, blocks: Blocks, path: str, column: str, value: str
    ) -> None:
        blocks.hold(ONE)
        with contextlib.suppress(sqlite3.IntegrityError):  # a strict table does not take every type
            put(path, "blocks", column, value)
            with pytest.raises(DamagedRow, match=f"table blocks.*column {column}"):
                blocks.all()
            with pytest.raises(LedgerFault):
                ledger.verify()

    def test_a_ledger_of_before_has_no_blocks_and_gets_the_table(self, tmp_path: Path) -> None:
        old = str(tmp_path / "old.db")
        with contextlib.closing(sqlite3.connect(old)) as connection, connection:
            schema.migrate(connection, schema.MIGRATIONS[:4])
            connection.execute("PRAGMA journal_mode = WAL")
        Path(old).chmod(0o600)
        with contextlib.closing(open_ledger(old, Deadline(20))) as ledger:
            assert Blocks(ledger).all() == []
            assert Blocks(ledger).hold(ONE) is None
            ledger.verify()

    def test_records_take_blocks_along(self, ledger: Ledger, blocks: Blocks, tmp_path: Path) -> None:
        blocks.hold(ONE)
        blocks.hold(SIX)
        blocks.lose(SIX)
        other = open_ledger(str(tmp_path / "other" / "ledger.db"), Deadline(20), boot_id=lambda: "here")
        with contextlib.closing(other):
            load(other, records_of(ledger), "here")
            assert Blocks(other).all() == [ONE, SIX._replace(state="lost")]


def test_an_address_of_no_block_is_no_number_of_another(blocks: Blocks) -> None:
    """IPv4 addresses lie apart from IPv6 ones, as everywhere in the ledger."""
    blocks.hold(ONE)
    assert address_key(ONE.first) >> 32 == 0xFFFF
    assert blocks.hold(Block("net", "six", "fd00::", "fd00::ff")) is None
