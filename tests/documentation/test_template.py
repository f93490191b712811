"""The template for containerd in docs/kubernetes.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cni_hns.cli.checks import findings_of_file
from tests.documentation.pages import path


@pytest.mark.parametrize("pod_cidr", ["10.88.3.0/24", "10.88.128.0/20"])
def test_filled_in_as_containerd_does_it_is_a_configuration_without_a_fault(
    pod_cidr: str, tmp_path: Path
) -> None:
    """containerd puts the node's podCIDR where `{{.PodCIDR}}` stands, and writes the file of this name."""
    (template,) = re.findall(
        r"```json\n(.*?)```", path("kubernetes.md").read_text(encoding="utf-8"), re.DOTALL
    )
    file = tmp_path / "10-containerd-net.conflist"
    file.write_text(template.replace("{{.PodCIDR}}", pod_cidr), encoding="utf-8")
    assert findings_of_file(str(file)) == []
