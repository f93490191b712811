"""`python -m tests.together`: many processes at once on one simulated node (docs/testing.md)."""
