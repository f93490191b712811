"""Typed documents of the Host Compute Network, schema 2: the truth of what a document may be.

No verb loads this package (pydantic costs as much as the rest of a verb): verbs send the plain documents of
`cni_hns.hcn.documents` and of a compiled plan, and the tests hold those against these models.
"""

from __future__ import annotations

from cni_hns.hcn.models.base import Document as Document
from cni_hns.hcn.models.base import Schema as Schema
from cni_hns.hcn.models.objects import *  # noqa: F403
from cni_hns.hcn.models.policies import *  # noqa: F403
from cni_hns.hcn.models.requests import *  # noqa: F403
from cni_hns.hcn.models.settings import *  # noqa: F403
