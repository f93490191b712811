"""`python -m tests.damage`: bytes of the ledger's file flipped, one place after another (docs/testing.md)."""
