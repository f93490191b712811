"""Blocks of cluster-wide pools that this node has: from which of them an ADD may give an address.

Rule 1: an address is in one block at most, whatever its pool and network: a block is of one network.
Rule 2: "no lease in it" and "no lease from now on" are one transaction, and so are an ADD's look at the
blocks and its lease: whoever comes second sees what the first one did.
Rule 3: a block is written here after the cluster has it as this node's, and forgotten before nobody's.
This is a part of the ledger in a file of its own, for verbs without a pool do not load it.
"""

from __future__ import annotations

from cni_hns.ledger.addresses import address_key, address_text, as_blob, from_blob
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cni_hns.ledger.book import Ledger

__all__ = ["DRAINING", "HELD", "LOST", "Block", "Blocks"]

HELD, DRAINING, LOST = "held", "draining", "lost"

_COLUMNS = "network, pool, first, last, block_state"


class Block(NamedTuple):
    """The addresses from `first` to `last`, for attachments to `network`.

    `state`: "held": ADDs get addresses of it. "draining": empty, and about to be given back. "lost": another
    node has it by now; pods that have addresses of it are left, and no other gets one.
    """

    network: str
    pool: str
    first: str
    last: str
    state: str = HELD

    @property
    def words(self) -> str:
        return f'block {self.first}-{self.last} of pool "{self.pool}"'

    @property
    def prefix(self) -> str:
        """In CIDR form."""
        longest = 32 if "." in self.first else 128
        return f"{self.first}/{longest - (self.size - 1).bit_length()}"

    @property
    def size(self) -> int:
        return address_key(self.last) - address_key(self.first) + 1


class Blocks:
    """The table `blocks` of an open ledger. Writing methods join the open transaction or make their own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows = ledger._rows  # noqa: SLF001 - one ledger in two files, see above
        self._write = ledger._write  # noqa: SLF001

    def of(self, network: str, pool: str, state: str = HELD) -> list[Block]:
        """Those of this network and pool that are in this state, by address."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM blocks "
            "WHERE network = ? AND pool = ? AND block_state = ? ORDER BY first",
            (network, pool, state),
        )
        return [_block(row) for row in rows]

    def all(self) -> list[Block]:
        """Every block, by network, pool and address."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM blocks ORDER BY network, pool, first")
        return [_block(row) for row in rows]

    def hold(self, block: Block) -> Block | None:
        """Give addresses of it from now on; fine if that is so already.

        What stands in the way, and nothing is changed then: a block that has an address of it, or it itself
        where it is about to be given back.
        """
        wanted = block._replace(state=HELD)
        with self._ledger.atomic():
            there = self._overlapping(wanted)
            if there is None:
                self._put(wanted)
            return None if there == wanted else there

    def drain(self, block: Block) -> bool:
        """No address of it is given from now on; False, and nothing is changed, where one is leased.

        Leases of every kind count: an address that is set aside may still be somebody's.
        """
        with self._ledger.atomic():
            if self.has_leases(block):
                return False
            return self._change(block, HELD, DRAINING)

    def lose(self, block: Block) -> bool:
        """Another node has it: no address of it is given from now on."""
        return self._change(block, block.state, LOST)

    def forget(self, block: Block) -> bool:
        """It is this node's no more; False, and it stays, where an address of it is leased, or it is held."""
        with self._ledger.atomic():
            if self.has_leases(block):
                return False
            values = (*_key(block), HELD)
            statement = "DELETE FROM blocks WHERE network = ? AND pool = ? AND first = ? AND block_state <> ?"
            return self._write(statement, values) == 1

    def has_leases(self, block: Block) -> bool:
        """Whether an address of it is leased or set aside."""
        first, last = as_blob(address_key(block.first)), as_blob(address_key(block.last))
        query = "SELECT text FROM leases WHERE network = ? AND address BETWEEN ? AND ? LIMIT 1"
        return bool(self._rows(query, (block.network, first, last)))

    def leased(self, block: Block) -> int:
        """How many of its addresses are leased or set aside."""
        first, last = as_blob(address_key(block.first)), as_blob(address_key(block.last))
        query = "SELECT count(*) FROM leases WHERE network = ? AND address BETWEEN ? AND ?"
        ((number,),) = self._rows(query, (block.network, first, last))
        return int(number)

    def _overlapping(self, block: Block) -> Block | None:
        first, last = as_blob(address_key(block.first)), as_blob(address_key(block.last))
        query = f"SELECT {_COLUMNS} FROM blocks WHERE first <= ? AND last >= ? LIMIT 1"
        rows = self._rows(query, (last, first))
        return _block(rows[0]) if rows else None

    def _put(self, block: Block) -> None:
        first, last = as_blob(address_key(block.first)), as_blob(address_key(block.last))
        self._write(
            f"INSERT INTO blocks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
            (block.network, block.pool, first, last, block.state),
        )

    def _change(self, block: Block, before: str, after: str) -> bool:
        statement = (
            "UPDATE blocks SET block_state = ? "
            "WHERE network = ? AND pool = ? AND first = ? AND block_state = ?"
        )
        return self._write(statement, (after, *_key(block), before)) == 1


def _key(block: Block) -> tuple[object, ...]:
    return block.network, block.pool, as_blob(address_key(block.first))


def _block(row: tuple[Any, ...]) -> Block:
    network, pool, first, last, state = row
    return Block(network, pool, address_text(from_blob(first)), address_text(from_blob(last)), state)
