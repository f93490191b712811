from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.configuration import (
    LIMIT_BYTES,
    Envelope,
    answer_version,
    check_envelope,
    folded,
    read_document,
    valid_attachments,
)
from cni_hns.cni.errors import DECODE_FAILURE, INCOMPATIBLE_VERSION, INVALID_CONFIG, CniError
from cni_hns.cni.protocol import SUPPORTED, VERBS

PLANTED = "hunter2"


def refusal(data: bytes) -> CniError:
    with pytest.raises(CniError) as caught:
        read_document(data)
    return caught.value


class TestReadingTheDocument:
    def test_a_byte_order_mark_is_passed_over(self) -> None:
        assert read_document(b'\xef\xbb\xbf{"name": "n"}') == {"name": "n"}

    def test_white_space_around_it_is_passed_over(self) -> None:
        assert read_document(b' \r\n{"name": "n"}\r\n\t') == {"name": "n"}

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            pytest.param(b"", "is empty", id="empty"),
            pytest.param(b" \r\n\t", "is empty", id="white space"),
            pytest.param(b"\xef\xbb\xbf", "is empty", id="byte order mark only"),
            pytest.param(b"null", "not a JSON object but null", id="null"),
            pytest.param(b"true", "not a JSON object but true", id="true"),
            pytest.param(b"[{}]", "not a JSON object but a list", id="list"),
            pytest.param(b'"hunter2"', "not a JSON object but text", id="text"),
            pytest.param(b"12", "not a JSON object but a number", id="number"),
            pytest.param(b'{\n "a": hunter2}', "line 2, column 7", id="not JSON"),
            pytest.param(b'{"a": "hunter2}', "line 1, column 7", id="text without an end"),
            pytest.param(b'{"a": "hunter2\\x"}', "line 1, column 15", id="unknown escape"),
            pytest.param(b'{"a": 1} {"b": "hunter2"}', "line 1, column 10", id="two documents"),
            pytest.param(b"{'a': 'hunter2'}", "line 1, column 2", id="single quotes"),
            pytest.param(b'{"a": NaN}', "holds NaN", id="NaN"),
            pytest.param(b'{"a": -Infinity}', "holds -Infinity", id="infinity"),
            pytest.param(b'{"a": 1e999}', "too large", id="infinity in digits"),
            pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "too many digits", id="5000 digits"),
            pytest.param(b'{"a": "\\ud800"}', "half a surrogate pair", id="half a surrogate pair"),
            pytest.param(b'{"a": "\xff"}', "not UTF-8 at byte 7", id="not UTF-8"),
            pytest.param('{"a": 1}'.encode("utf-16"), "is in UTF-16", id="UTF-16"),
            pytest.param(b'{"a":' * 100_000, "nested", id="a bomb of objects"),
            pytest.param(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nested", id="200 lists deep"),
            pytest.param(b"{" + b" " * LIMIT_BYTES + b"}", "larger than the limit of 10 MB", id="10 MB"),
        ],
    )
    def test_what_is_not_one_json_object_is_refused_without_its_content(self, data: bytes, said: str) -> None:
        error = refusal(data)
        assert error.code == DECODE_FAILURE
        assert said in error.msg
        assert PLANTED not in str(error)

    def test_just_below_the_limit_is_read(self) -> None:
        data = b'{"a": "' + b"x" * (LIMIT_BYTES - 11) + b'"}'
        assert len(data) < LIMIT_BYTES
        assert set(read_document(data)) == {"a"}

    def test_ordinary_depth_is_read(self) -> None:
        assert read_document(b'{"a":' + b"[" * 99 + b"]" * 99 + b"}")

    def test_of_two_equal_keys_the_later_wins_in_value_and_place(self) -> None:
        document = read_document(b'{"a": 1, "A": 2, "b": 0, "a": 3}')
        assert list(document.items()) == [("A", 2), ("b", 0), ("a", 3)]
        assert folded(document) == {"a": 3, "b": 0}

    @given(st.binary())
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        code = DECODE_FAILURE
        try:
            assert isinstance(read_document(data), dict)
        except CniError as error:
            code = error.code
        assert code == DECODE_FAILURE

    @given(
        st.dictionaries(
            st.text(),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=10,
            ),
        )
    )
    def test_any_json_object_is_read(self, document: dict[str, Any]) -> None:
        assert read_document(json.dumps(document).encode()) == document


class TestTheEnvelope:
    @pytest.mark.parametrize("version", SUPPORTED)
    def test_every_version_has_add_and_del(self, version: str) -> None:
        document = {"cniVersion": version, "name": "net"}
        assert check_envelope(document, "ADD") == Envelope(version, "net")
        assert check_envelope(document, "DEL") == Envelope(version, "net")

    @pytest.mark.parametrize(
        "stated",
        [
            pytest.param({}, id="absent"),
            pytest.param({"cniVersion": ""}, id="empty"),
            pytest.param({"cniVersion": None}, id="null"),
        ],
    )
    def test_without_a_version_it_is_0_1_0(self, stated: dict[str, Any]) -> None:
        assert check_envelope({"name": "net"} | stated, "ADD").version == "0.1.0"
        assert answer_version(stated) == "0.1.0"

    @pytest.mark.parametrize("command", ["CHECK", "GC", "STATUS"])
    @pytest.mark.parametrize("version", SUPPORTED)
    def test_a_version_before_the_verb_is_refused(self, command: str, version: str) -> None:
        document = {"cniVersion": version, "name": "net"}
        if SUPPORTED.index(version) >= SUPPORTED.index(VERBS[command].since):
            assert check_envelope(document, command).version == version
            return
        with pytest.raises(CniError) as caught:
            check_envelope(document, command)
        assert caught.value.code == INCOMPATIBLE_VERSION
        assert caught.value.msg == f"config version does not allow {command}"

    @pytest.mark.parametrize(
        "version", ["9.0.0", "0.1", "1.0", "1.1.0 ", " 1.1.0", "1.1", "v1.0.0", "1.2.0", "x" * 50]
    )
    @pytest.mark.parametrize("command", ["ADD", "CHECK", "STATUS"])
    def test_versions_match_exactly_or_not_at_all(self, version: str, command: str) -> None:
        with pytest.raises(CniError) as caught:
            check_envelope({"cniVersion": version, "name": "net"}, command)
        assert caught.value.code == INCOMPATIBLE_VERSION
        assert caught.value.msg == "incompatible CNI versions"
        assert '"0.1.0", "0.2.0", "0.3.0"' in caught.value.details
        assert answer_version({"cniVersion": version}) == "1.1.0"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            pytest.param("a" * 253, None, id="the longest"),
            pytest.param("A.b_c-9", None, id="every character"),
            pytest.param(None, INVALID_CONFIG, id="null"),
            pytest.param("", INVALID_CONFIG, id="empty"),
            pytest.param("a" * 254, INVALID_CONFIG, id="too long"),
            pytest.param("../x", INVALID_CONFIG, id="path"),
            pytest.param("a b", INVALID_CONFIG, id="space"),
            pytest.param("a\n", INVALID_CONFIG, id="newline at the end"),
            pytest.param(7, DECODE_FAILURE, id="a number"),
            pytest.param(["net"], DECODE_FAILURE, id="a list"),
        ],
    )
    def test_network_name(self, name: object, code: int | None) -> None:
        document = {"cniVersion": "1.0.0", "name": name}
        if code is None:
            assert check_envelope(document, "ADD").name == name
            return
        with pytest.raises(CniError) as caught:
            check_envelope(document, "ADD")
        assert caught.value.code == code

    def test_a_missing_name_is_refused(self) -> None:
        with pytest.raises(CniError, match="missing network name"):
            check_envelope({"cniVersion": "1.0.0"}, "ADD")

    @pytest.mark.parametrize("version", [1, 1.1, True, {}, []])
    def test_a_version_of_the_wrong_type_cannot_be_decoded(self, version: object) -> None:
        with pytest.raises(CniError) as caught:
            check_envelope({"cniVersion": version, "name": "net"}, "ADD")
        assert caught.value.code == DECODE_FAILURE
        assert answer_version({"cniVersion": version}) == "1.1.0"

    @pytest.mark.parametrize(
        ("document", "command", "code"),
        [
            pytest.param({"cniVersion": "9.9.9"}, "ADD", INVALID_CONFIG, id="name before version"),
            pytest.param({"cniVersion": "0.1.0"}, "STATUS", INVALID_CONFIG, id="name before verb"),
            pytest.param({"cniVersion": 1}, "ADD", DECODE_FAILURE, id="types before name"),
        ],
    )
    def test_the_order_of_checks(self, document: dict[str, Any], command: str, code: int) -> None:
        with pytest.raises(CniError) as caught:
            check_envelope(document, command)
        assert caught.value.code == code


VALID, OLDER = "cni.dev/valid-attachments", "cni.dev/attachments"
A, B = {"containerID": "a", "ifname": "eth0"}, {"containerID": "b", "ifname": "eth1"}


class TestValidAttachments:
    """CNI SPEC, section 2, "GC": what the list leaves out is to be removed."""

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            pytest.param({}, set(), id="both absent"),
            pytest.param({VALID: None, OLDER: None}, set(), id="both null"),
            pytest.param({VALID: [], OLDER: []}, set(), id="both empty"),
            pytest.param({VALID: [A]}, {("a", "eth0")}, id="the key of today"),
            pytest.param({OLDER: [A]}, {("a", "eth0")}, id="the key of the tagged text"),
            pytest.param({VALID: [A], OLDER: [A]}, {("a", "eth0")}, id="both the same"),
            pytest.param({VALID: [A], OLDER: [B]}, {("a", "eth0"), ("b", "eth1")}, id="their union"),
            pytest.param({VALID: None, OLDER: [B]}, {("b", "eth1")}, id="one null"),
            pytest.param({VALID: [{"ContainerID": "a", "IfName": "eth0"}]}, {("a", "eth0")}, id="other case"),
            pytest.param({VALID: [A | {"more": 1}]}, {("a", "eth0")}, id="further members"),
        ],
    )
    def test_lists(self, document: dict[str, Any], expected: set[tuple[str, str]]) -> None:
        assert valid_attachments(document) == expected

    @pytest.mark.parametrize(
        "entries",
        [
            pytest.param({}, id="an object"),
            pytest.param("a", id="text"),
            pytest.param(False, id="false"),
            pytest.param(0, id="zero"),
            pytest.param([None], id="a null entry"),
            pytest.param(["a"], id="a text entry"),
            pytest.param([{}], id="an empty entry"),
            pytest.param([{"containerID": "a"}], id="no ifname"),
            pytest.param([{"ifname": "eth0"}], id="no containerID"),
            pytest.param([{"containerID": "", "ifname": "eth0"}], id="empty containerID"),
            pytest.param([{"containerID": "a", "ifname": ""}], id="empty ifname"),
            pytest.param([{"containerID": "a b", "ifname": "eth0"}], id="bad containerID"),
            pytest.param([{"containerID": 1, "ifname": "eth0"}], id="containerID not text"),
            pytest.param([{"containerID": "a", "ifname": "a/b"}], id="bad ifname"),
        ],
    )
    @pytest.mark.parametrize("key", [VALID, OLDER])
    def test_a_list_that_cannot_be_read_in_full_is_an_error(self, key: str, entries: object) -> None:
        other = OLDER if key == VALID else VALID
        with pytest.raises(CniError) as caught:
            valid_attachments({key: entries, other: [A]})
        assert caught.value.code == INVALID_CONFIG
        assert key in caught.value.msg
        assert caught.value.details == "nothing was removed"

    def test_every_bad_entry_is_named(self) -> None:
        with pytest.raises(CniError) as caught:
            valid_attachments({VALID: [A, 1, B, 2], OLDER: "x"})
        for path in (f"{VALID}[1]", f"{VALID}[3]", f"{OLDER} is not a list"):
            assert path in caught.value.msg


class TestFolding:
    def test_every_level_is_folded_and_values_stay(self) -> None:
        assert folded({"PortMappings": [{"HostPort": 80, "HostIP": "AbC"}], "DNS": None}) == {
            "portmappings": [{"hostport": 80, "hostip": "AbC"}],
            "dns": None,
        }

    def test_of_two_spellings_the_later_wins(self) -> None:
        assert folded({"hostPort": 1, "HostPort": 2}) == {"hostport": 2}
        assert folded({"HostPort": 2, "hostPort": 1}) == {"hostport": 1}
