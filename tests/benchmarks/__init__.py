"""How long things take, beside the programs that do the same: `python -m tests.benchmarks`.

It is no test and decides nothing. docs/performance.md says what is compared, and how.
"""
