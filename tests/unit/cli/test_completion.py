"""`cni-hns completion`: a shell asks, and the program answers quickly and without a node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.cli.completion import VARIABLE

BASH = shutil.which("bash") or ""


def asked(
    shell: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What the program answers to a shell; the last word is the one that is being typed."""
    monkeypatch.setenv(VARIABLE, f"{shell}_complete")
    if shell == "bash":
        monkeypatch.setenv("COMP_WORDS", " ".join(["cni-hns", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
    else:
        monkeypatch.setenv("COMP_WORDS", "\n".join(words[:-1]))
        monkeypatch.setenv("COMP_INCOMPLETE", words[-1])
    with pytest.raises(SystemExit) as ended:
        main([], choose_hns({}))
    assert ended.value.code == 0
    separator = {"bash": ",", "powershell": "\t"}[shell]
    lines = [line.split(separator) for line in capsys.readouterr().out.splitlines()]
    return [line[1] if shell == "bash" else line[0] for line in lines]


@pytest.mark.parametrize("shell", ["bash", "powershell"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ne"], ["network"]),
        (["network", ""], ["create", "delete", "list", "show"]),
        (["endpoint", "list", "--wa"], ["--watch"]),
        (["endpoint", "list", "--output", "w"], ["wide"]),
        (["completion", ""], ["powershell", "bash"]),
    ],
    ids=lambda value: " ".join(value) or "nothing",
)
def test_words_options_and_values_are_offered(
    shell: str,
    words: list[str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert asked(shell, words, monkeypatch, capsys) == expected


def test_powershell_gets_a_tool_tip_with_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "powershell_complete")
    monkeypatch.setenv("COMP_INCOMPLETE", "net")
    with pytest.raises(SystemExit):
        main([], choose_hns({}))
    assert capsys.readouterr().out == "network\tHCN networks: the switches that endpoints...\n"


def test_the_script_for_powershell_asks_this_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "powershell"], choose_hns({})) == 0
    script = capsys.readouterr().out
    assert script.startswith("Register-ArgumentCompleter -Native -CommandName cni-hns, cni-hns.exe ")
    assert f"$env:{VARIABLE} = 'powershell_complete'" in script
    assert script.count("{") == script.count("}")


@pytest.mark.skipif(os.name == "nt" or not BASH, reason="there is no bash")
def test_bash_completes_by_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real bash reads the script and calls what `complete` has bound."""
    assert main(["completion", "bash"], choose_hns({})) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    program = tmp_path / "cni-hns"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cni_hns "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    line = """
        source "$1"
        [[ $(complete -p cni-hns) =~ -F\\ ([^ ]+) ]] || exit 3
        COMP_WORDS=(cni-hns namespace "") COMP_CWORD=2
        "${BASH_REMATCH[1]}" cni-hns "" namespace
        echo "${COMPREPLY[*]}"
    """
    done = subprocess.run(
        [BASH, "--norc", "-c", line, "bash", str(tmp_path / "script")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("create delete list show\n", "")
