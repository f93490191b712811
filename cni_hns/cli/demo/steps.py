"""How a step is done: its commands run one by one, judged, and shown; what is wrong does not end the demo.

What is shown can be typed: files lie in the node's folder, and a GUID that was given a name is a variable.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from cni_hns.cli.demo.judging import Judge, judged

if TYPE_CHECKING:
    from cni_hns.cli.demo.node import Answer, DemoNode
    from cni_hns.cli.demo.report import Report
    from cni_hns.cli.demo.runtime import Call

__all__ = ["Steps"]


class Steps:
    """Runs commands on the node; the configuration is what every CNI call has on stdin."""

    def __init__(self, node: DemoNode, configuration: dict[str, Any], report: Report) -> None:
        self._node = node
        self._configuration = configuration
        self._report = report
        self._names: dict[str, str] = {node.folder + "/": "", node.folder + "\\": ""}

    def begin(self, title: str) -> None:
        """The commands from now on belong to this step."""
        self._report.step(title)

    def name(self, variable: str, value: str) -> None:
        """Show this variable in place of the value from now on."""
        self._names[value] = f"${variable}"

    def operator(self, arguments: list[str], judge: Judge, *, exit_code: int = 0, into: str = "") -> Answer:
        """One command of an operator; `into` is the file that its output is kept in afterwards."""
        answer = self._node.operator(*arguments)
        sent = f"cni-hns {shlex.join(arguments)}"
        self._tell(f"{sent} > {self._node.path(into)}" if into else sent, answer, judge, exit_code)
        return answer

    def plugin(self, call: Call, judge: Judge) -> Answer:
        """One call of a runtime."""
        document = {**self._configuration, **call.added}
        answer = self._node.plugin(call.variables, document)
        variables = " ".join(f"{key}={value}" for key, value in call.variables.items())
        self._tell(f"{variables} cni-hns < {self._stdin(call, document)}", answer, judge, 0)
        return answer

    def _stdin(self, call: Call, document: dict[str, Any]) -> str:
        """The file to give to the same call by hand."""
        if not call.added:
            return self._node.configuration
        words = [call.variables["CNI_COMMAND"].lower(), call.variables.get("CNI_CONTAINERID", "")]
        return self._node.write(f"{'-'.join(filter(None, words))}.json", document)

    def _tell(self, sent: str, answer: Answer, judge: Judge, exit_code: int) -> None:
        line, wrong = judged(answer, judge, exit_code)
        self._report.command(sent, self._shown(sent), answer, self._shown(line), wrong)

    def _shown(self, text: str) -> str:
        for value, name in self._names.items():
            text = text.replace(value, name)
        return text
