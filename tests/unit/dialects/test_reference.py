"""docs/configuration.md names every key, and its examples work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from cni_hns.dialects import models
from cni_hns.dialects.lint import findings_of
from cni_hns.hcn.models.policies import ENDPOINT_POLICIES

TEXT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
MODELS = [
    each
    for each in vars(models).values()
    if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == models.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_in_the_reference(model: type[BaseModel]) -> None:
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if not re.search(rf"\b{key}\b", TEXT)] == []


@pytest.mark.parametrize("name", [*ENDPOINT_POLICIES, *models.FLAGS])
def test_every_policy_and_flag_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_there_is_an_example_for_each_mode() -> None:
    modes = [json.loads(example)["network"]["mode"] for example in EXAMPLES]
    assert set(modes) == {"l2bridge", "l2tunnel", "nat", "overlay", "transparent"}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_has_no_findings(example: str) -> None:
    assert findings_of(json.loads(example)) == []
