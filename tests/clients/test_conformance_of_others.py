"""host-local and static 1.9.0, as released: our conformance checks find what docs/conformance.md says.

A change here is a check that judges otherwise than before, or another release.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cni_hns.conformance import (
    CHECKS,
    FAIL,
    NOT_APPLICABLE,
    PASS,
    REMARK,
    Check,
    ProcessRunner,
    Subject,
    Suite,
    TextNamespaces,
    Verdict,
    read_configuration,
)
from tests.lane import Lane

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
PLUGINS = ("host-local", "static")
WORDS = {"FAIL": FAIL, "REMARK": REMARK, "ok": PASS}
TIMEOUT_S = 120.0


class Quiet:
    def begins(self, check: Check, number: int, total: int) -> None: ...

    def ended(self, verdict: Verdict) -> None: ...


def documented(plugin: str) -> dict[str, str]:
    """Check -> status, from the table of the document."""
    column = PLUGINS.index(plugin) + 1
    found = re.findall(
        r"^\| `(\S+)` \| (\w+) \| (\w+) \| ", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {row[0]: WORDS[row[column]] for row in found if set(row[1:]) <= set(WORDS)}


def configuration(plugin: str, folder: Path, data_dir: str) -> str:
    """The document's own configuration, its state in the test's folder."""
    _, _, behind = DOCUMENT.read_text(encoding="utf-8").partition(f"{plugin}.conf:\n\n```json\n")
    document = json.loads(behind.partition("```")[0])
    if "dataDir" in document["ipam"]:
        document["ipam"]["dataDir"] = data_dir
    path = folder / f"{plugin}.conf"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_is_documented_is_what_is_found(
    plugin: str, system: str, lane: Lane, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = tmp_path / "data"
    program = lane.program(plugin, windows=system == "windows")
    if system == "windows":
        request.getfixturevalue("wine")
        runner = ProcessRunner(lane.wine_command(program), TIMEOUT_S, lane.wine_environment())
        config = configuration(plugin, tmp_path, lane.windows_path(data))
    else:
        runner = ProcessRunner([str(program)], TIMEOUT_S)
        config = configuration(plugin, tmp_path, str(data))
    subject = Subject(
        runner,
        read_configuration(config, str(program)),
        TextNamespaces(),
        "/opt/cni/bin",
        unused_network=True,
    )
    summary = Suite(subject, CHECKS).run(Quiet())
    expected = documented(plugin)
    assert len(expected) == 11
    judged = {verdict.check.id: verdict for verdict in summary.verdicts if verdict.status != NOT_APPLICABLE}
    wrong = {
        check: (verdict.status, verdict.message, verdict.evidence)
        for check, verdict in judged.items()
        if verdict.status != expected.get(check, PASS)
    }
    assert wrong == {}
    assert set(expected) <= set(judged)
    assert summary.left_over == ()
    if data.exists():
        kept = {file.name for file in data.rglob("*") if file.is_file()}
        assert kept <= {"lock", "last_reserved_ip.0"}
