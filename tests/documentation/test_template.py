"""The template for containerd in docs/kubernetes.md; tests/clients show that containerd fills it in so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cni_hns.cli.checks import findings_of_file
from tests.documentation.pages import path

SAMPLE = Path(__file__).parent.parent.parent / "conf" / "kubernetes" / "cni-hns.template"


def test_the_page_shows_the_sample_that_lies_beside_the_manifests() -> None:
    page = path("kubernetes.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert shown == SAMPLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("pod_cidr", ["10.244.3.0/24", "10.244.128.0/20"])
def test_filled_in_it_is_a_configuration_without_a_fault(pod_cidr: str, tmp_path: Path) -> None:
    text, count = re.subn(
        r"\[\{\{range.*\{\{end\}\}\]", f'[{{"prefix": "{pod_cidr}"}}]', SAMPLE.read_text(encoding="utf-8")
    )
    assert count == 1
    file = tmp_path / "10-containerd-net.conflist"
    file.write_text(text, encoding="utf-8")
    assert findings_of_file(str(file)) == []
