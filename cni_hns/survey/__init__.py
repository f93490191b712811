"""The node's truth: what HNS, HCS, the ledger and the runtime say, joined. For the operator's commands.

Rule 1: `look` reads each source once; all that is concluded from it is pure functions over what was read.
Rule 2: a source that does not answer proves nothing: what would need it is left out, and never a mismatch.
Rule 3: no verb loads this.
"""
