"""Every model under one name, for who works with many; a configuration is read with `policies` alone."""

from __future__ import annotations

from cni_hns.hcn.models.objects import *  # noqa: F403
from cni_hns.hcn.models.policies import *  # noqa: F403
from cni_hns.hcn.models.requests import *  # noqa: F403
from cni_hns.hcn.models.settings import *  # noqa: F403
from cni_hns.schema import *  # noqa: F403
