"""What a file's bytes may hold that looks right to the eye and is refused by the runtime that reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.cni.configuration import read_document
from cni_hns.dialects.file_text import read_file
from cni_hns.dialects.lint import check_file_text

from .configurations import BRIDGE

SOUND = json.dumps(BRIDGE, indent=2)
NO_BREAK = "\u00a0"
ALL = "\ufeff"


def words_of(data: bytes | str) -> list[str]:
    _, findings = read_file(data.encode() if isinstance(data, str) else data)
    return [finding.message for finding in findings]


class TestEncodings:
    def test_a_byte_order_mark_is_an_error_that_says_how_to_write_without(self) -> None:
        (said,) = words_of(ALL + SOUND)
        assert "byte order mark" in said
        assert "libcni" in said
        assert "[IO.File]::WriteAllText" in said
        assert "utf8NoBOM" in said

    def test_on_stdin_it_is_passed_over(self) -> None:
        assert read_document((ALL + SOUND).encode()) == BRIDGE

    @pytest.mark.parametrize(
        "encoding", ["utf-16", "utf-16-le", "utf-16-be"], ids=["with a mark", "little end", "big end"]
    )
    def test_utf_16_is_an_error_and_read_nevertheless(self, encoding: str) -> None:
        document, findings = read_file(SOUND.encode(encoding))
        assert document == BRIDGE
        assert [("UTF-16" in each.message, "PowerShell" in each.message) for each in findings] == [
            (True, True)
        ]

    def test_half_a_file_in_utf_16_is_one_finding(self) -> None:
        (said,) = words_of(SOUND.encode("utf-16")[:-1])
        assert "UTF-16" in said

    def test_another_encoding_is_named_with_the_place_of_its_first_byte(self) -> None:
        (said,) = words_of('{\n  "name": "Küche"}'.encode("cp1252"))
        assert said.startswith("line 2, column 13: byte 0xFC")

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf", b"\0\0\0\0"])
    def test_hardly_anything_is_a_finding_too(self, data: bytes) -> None:
        assert words_of(data)


class TestCharacters:
    @pytest.mark.parametrize(
        ("text", "place", "words"),
        [
            pytest.param(
                '{\n\u00a0"a": 1}', "line 2, column 1", "U+00A0 (no-break space)", id="no-break space"
            ),
            pytest.param('{"a": \u200b1}', "line 1, column 7", "U+200B", id="a space without width"),
            pytest.param("{“a”: 1}", "line 1, column 2", 'write "', id="curly quotes"),
            pytest.param('{"a”: 1}', "line 1, column 4", "U+201D", id="one curly quote"),
            pytest.param("{'a': 1}", "line 1, column 2", "U+0027, apostrophe", id="single quotes"),
            pytest.param('{"a": 1} // why', "line 1, column 10", "a comment", id="//"),
            pytest.param('{/* why\nnot */"a": 1}', "line 1, column 2", "a comment", id="/* */"),
            pytest.param('# why\n{"a": 1}', "line 1, column 1", "a comment", id="#"),
            pytest.param('{"a": 1,\n}', "line 1, column 8", "nothing after it", id="comma in an object"),
            pytest.param('{"a": [1, ]}', "line 1, column 9", "nothing after it", id="comma in a list"),
            pytest.param('{"a": 1, // why\n}', "line 1, column 8", "nothing after it", id="comma, comment"),
            pytest.param('{"a": True}', "line 1, column 7", "True is true", id="Python's true"),
            pytest.param('{"a": None}', "line 1, column 7", "None is null", id="Python's null"),
            pytest.param("{a: 1}", "line 1, column 2", "without quotation marks", id="a bare name"),
            pytest.param('{"a"：1}', "line 1, column 5", "write :", id="a wide colon"),  # noqa: RUF001
            pytest.param(r'{"a": "C:\ProgramData\cni"}', "line 1, column 10", "twice", id="backslashes"),
            pytest.param('{"a": "x\ty"}', "line 1, column 9", "control character", id="a tab"),
            pytest.param(
                '{"a": "x,\n"b": 1}', "line 1, column 7", "no closing quotation mark", id="not closed"
            ),
            pytest.param('{"a": 1 §}', "line 1, column 9", "§ (U+00A7, section sign)", id="anything else"),
        ],
    )
    def test_the_character_is_named_with_its_place_and_what_to_write(
        self, text: str, place: str, words: str
    ) -> None:
        said = words_of(text)
        assert any(each.startswith(f"{place}: ") and words in each for each in said), said

    def test_what_is_meant_is_read_nevertheless(self) -> None:
        text = '{\u00a0“name”: \'l2b\', // why\n \'type\': "x", a: [True, None,], "path": "C:\\ProgramData"}'
        document, findings = read_file(text.encode())
        assert document == {"name": "l2b", "type": "x", "a": [True, None], "path": "C:\\ProgramData"}
        assert findings

    def test_the_same_character_is_named_once_and_counted(self) -> None:
        (said,) = words_of(SOUND.replace("  ", NO_BREAK * 2))
        others = SOUND.count("  ") * 2 - 1
        assert said.endswith(f"(and in {others} other places)")

    def test_the_faults_of_the_document_come_in_the_same_run(self) -> None:
        document: dict[str, Any] = {**BRIDGE, "cniVersion": "1.0.0", "netwrok": {}}
        found = check_file_text(ALL + json.dumps(document).replace("{", "{" + NO_BREAK, 1))
        assert [each.path for each in found] == ["", "", "netwrok"]

    def test_nothing_else_of_the_file_is_repeated(self) -> None:
        assert "hunter2" not in str(words_of('{"password": hunter2, "b": \'hunter2\'}'))

    def test_sound_text_in_any_language_is_no_fault(self) -> None:
        document = {**BRIDGE, "comment": "“ ” // /* 容器 \u00a0 ,}"}
        assert read_file(json.dumps(document, ensure_ascii=False).encode()) == (document, [])


def test_a_key_given_twice_is_a_warning_with_its_path() -> None:
    document, findings = read_file(b'{"a": 1, "b": [{"c": 1, "c": {"d": 2, "d": 3}}], "a": 2}')
    assert document == {"b": [{"c": {"d": 3}}], "a": 2}
    assert [(each.path, each.severity) for each in findings] == [
        ("b[0].c", "warning"),
        ("b[0].c.d", "warning"),
        ("a", "warning"),
    ]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"name": "a", "name": "b"}', ["name"]),
        ('{"type": "a", "Type": "b"}', ["Type"]),
        ('{"ipam": {"subnet": 1, "SUBNET": 2, "SUBNET": 3}}', ["ipam.SUBNET", "ipam.SUBNET"]),
        ('{"args": {"labels": {"app": 1, "App": 2}}}', []),
    ],
    ids=["twice", "in two cases", "both", "keys that somebody chose"],
)
def test_keys_that_are_one_to_a_reader_are_found(text: str, paths: list[str]) -> None:
    _, findings = read_file(text.encode())
    assert [each.path for each in findings] == paths
