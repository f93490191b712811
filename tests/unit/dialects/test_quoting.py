"""What a message may show of a policy."""

from __future__ import annotations

import json

import pytest

from cni_hns.dialects.findings import ConfigFault, Finding
from cni_hns.dialects.policies import checked_policies
from cni_hns.dialects.quoting import quoted


@pytest.mark.parametrize(
    "value",
    [
        *("", "Allow", "In", "6", "6,17", "80-90, 443", "10.0.0.0/8", "10.0.0.0/8,10.1.2.3", "10.0.0.0/33"),
        *("fd00:88::/112", "::1", "00-15-5D-01-02-03", "9c95ca37-5f3e-48fd-8f6a-6aa2a5ebd0b5"),
    ],
)
def test_numbers_addresses_and_the_words_of_hns_are_shown(value: str) -> None:
    assert quoted(value) == f'"{value}"'


@pytest.mark.parametrize(
    "value", ["hunter2", "123456789012", "deadbeef", "Allow hunter2", "10.0.0.0/8,hunter2", "{{POD_CIDR}}"]
)
def test_of_any_other_text_only_the_length_is_shown(value: str) -> None:
    assert quoted(value) == f'"({len(value)} characters)"'


def test_settings_are_shown_value_by_value() -> None:
    settings = {"Action": "Allow", "Priority": 100, "Id": "hunter2", "Exceptions": ["10.0.0.0/8", "hunter2"]}
    assert quoted(settings) == (
        '{"Action": "Allow", "Priority": 100, "Id": "(7 characters)", '
        '"Exceptions": ["10.0.0.0/8", "(7 characters)"]}'
    )


class TestWhoseFileItIs:
    """A verb prints and logs what its runtime keeps; an operator's command talks to who has the file."""

    def finding(self, **changes: object) -> Finding:
        settings = {"Action": "Allow", "Direction": "In", "Priority": 100, **changes}
        _, (finding,) = checked_policies([{"Type": "ACL", "Settings": settings}], "endpoint", "policies")
        return finding

    @pytest.mark.parametrize("word", ["Deny", "alow", "Blocked", "PERMIT", "Ingress"])
    def test_a_wrong_word_that_is_nobodys_secret_is_shown_to_all(self, word: str) -> None:
        finding = self.finding(Action=word)
        assert finding.message == f'"{word}" is not one of Allow, Block, Pass'
        assert finding.to_its_author() == finding

    def test_any_other_is_masked_but_for_its_author(self) -> None:
        finding = self.finding(Action="hunter2")
        assert finding.message == '"(7 characters)" is not one of Allow, Block, Pass'
        assert finding.to_its_author().message == '"hunter2" is not one of Allow, Block, Pass'

    def test_so_is_a_value_of_any_other_member(self) -> None:
        finding = self.finding(LocalPorts="hunter2")
        assert "hunter2" not in str(finding)
        assert '"hunter2"' in str(finding.to_its_author())
        assert str(ConfigFault([finding]).to_its_author()) == str(finding.to_its_author())

    def test_what_is_made_of_a_masked_message_is_masked(self) -> None:
        message = self.finding(Action="hunter2").message
        for made in (f"x{message}", message + "x", json.dumps(message), message.strip()):
            assert "hunter2" not in made
            assert not hasattr(made, "plainly")

    def test_a_set_that_is_not_there_or_named_twice(self) -> None:
        sets = [_set("hunter2"), _set("hunter2"), _set("a b")]
        _, findings = checked_policies(sets, "network", "policies")
        assert len(findings) == 2
        for finding, value in zip(findings, ("a b", "hunter2"), strict=True):
            assert value not in str(finding)
            assert value in str(finding.to_its_author())


def _set(name: str) -> dict[str, object]:
    return {"Type": "SetPolicy", "Settings": {"Id": name, "Name": "n", "Values": "", "PolicyType": "IPSET"}}
