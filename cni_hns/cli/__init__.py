"""The operator's commands: the same program without `CNI_COMMAND`.

Rule 1: what a program may read is on stdout and complete under `--json`; every error is one line on stderr.
Rule 2: nothing asks a question.
Rule 3: verbs never come here, so click and rich are imported nowhere else.
"""

from __future__ import annotations

from cni_hns.cli.app import main

__all__ = ["main"]
