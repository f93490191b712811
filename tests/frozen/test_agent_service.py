"""The built Windows program as a service: made by its `install --kubernetes`, in Wine's service manager."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.waiting import until
from tests.frozen.conftest import Built

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def words(built: Built, tmp_path: Path) -> list[str]:
    """The command of a cluster that nobody answers for."""
    if not built.windows:
        pytest.skip("there are services on Windows only")
    settings = {
        "nodeName": "win-1",
        "clusterCIDRs": ["10.244.0.0/16"],
        "serviceCIDRs": ["10.96.0.0/12"],
        "dataDir": built.path(tmp_path / "data"),
        "health": "",
    }
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    cluster = {"server": "https://127.0.0.1:9", "insecure-skip-tls-verify": False}
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    files = ["--agent-config", "settings.yaml", "--kubeconfig", "kubeconfig"]
    named = [word if word.startswith("--") else built.path(tmp_path / word) for word in files]
    return ["install", *where(built, tmp_path), "--kubernetes", "--offline", *named, "--json"]


def where(built: Built, tmp_path: Path) -> list[str]:
    return ["--bin-dir", built.path(tmp_path / "bin"), "--conf-dir", built.path(tmp_path / "conf")]


def said(tmp_path: Path) -> list[str]:
    """What stands in the agent's log."""
    log = tmp_path / "data" / "agent.log"
    lines = log.read_text().splitlines() if log.exists() else []
    documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [str(one["message"]) for one in documents]


def test_it_begins_at_the_install_and_ends_at_the_uninstall(
    built: Built, words: list[str], tmp_path: Path
) -> None:
    made = built.run(built.single_file, *words)
    assert made.exit_code == 0, made
    try:
        assert made.json["done"][-1] == 'started service "cni-hns-agent"'
        until("the agent looks for its API", lambda: any("the API" in one for one in said(tmp_path)))
        again = built.run(built.single_file, *words)
        assert again.json["done"] == []
    finally:
        gone = built.run(built.single_file, "uninstall", *where(built, tmp_path), "--json")
    assert gone.exit_code == 0, gone
    assert gone.json["done"][0] == 'removed service "cni-hns-agent"'
    assert said(tmp_path)[0] == "the service begins"
    assert said(tmp_path)[-1] == "the service ends with exit code 0"
    assert list((tmp_path / "bin").iterdir()) == []
