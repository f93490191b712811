"""Every document under one name, for who works with many."""

from __future__ import annotations

from cni_hns.hcs.documents.failure_words import *  # noqa: F403
from cni_hns.hcs.documents.processes import *  # noqa: F403
from cni_hns.hcs.documents.properties import *  # noqa: F403
from cni_hns.hcs.documents.requests import *  # noqa: F403
from cni_hns.hcs.documents.results import *  # noqa: F403
from cni_hns.hcs.documents.service import *  # noqa: F403
from cni_hns.hcs.documents.system import *  # noqa: F403
from cni_hns.hcs.documents.words import *  # noqa: F403
from cni_hns.schema import *  # noqa: F403
