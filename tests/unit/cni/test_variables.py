from __future__ import annotations

import os

import pytest

from cni_hns.cni.errors import BAD_VARIABLE, CniError
from cni_hns.cni.variables import Variables, check_own_rules, read_variables

NETNS = "5f0c3b1e-0000-1111-2222-333344445555"
FULL = {
    "CNI_CONTAINERID": "pod-1",
    "CNI_NETNS": NETNS,
    "CNI_IFNAME": "eth0",
    "CNI_ARGS": "IgnoreUnknown=1",
    "CNI_PATH": os.pathsep.join(["/a", "", "/b"]),
}


def refusal(command: str, **changes: str) -> CniError:
    with pytest.raises(CniError) as caught:
        read_variables({**FULL, **changes, "CNI_COMMAND": command})
    assert caught.value.code == BAD_VARIABLE
    return caught.value


class TestWhatEachVerbNeeds:
    """CNI SPEC, section 2, "CNI operations": the environment parameters of each verb."""

    @pytest.mark.parametrize(
        ("command", "required"),
        [
            pytest.param("ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"], id="ADD"),
            pytest.param("DEL", ["CNI_CONTAINERID", "CNI_IFNAME"], id="DEL"),
            pytest.param("CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"], id="CHECK"),
        ],
    )
    @pytest.mark.parametrize("absent", [pytest.param(True, id="unset"), pytest.param(False, id="empty")])
    def test_all_missing_variables_are_in_one_error(
        self, command: str, required: list[str], absent: bool
    ) -> None:
        environ = {"CNI_COMMAND": command} | ({} if absent else dict.fromkeys(FULL, ""))
        with pytest.raises(CniError) as caught:
            read_variables(environ)
        assert caught.value.code == BAD_VARIABLE
        for name in FULL:
            assert (f"{name} is missing" in caught.value.msg) == (name in required)

    @pytest.mark.parametrize("command", ["GC", "STATUS", "VERSION"])
    def test_no_other_verb_needs_any(self, command: str) -> None:
        assert read_variables({"CNI_COMMAND": command}) == Variables(command, "", "", "", "", [])

    @pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK"])
    def test_path_and_args_may_be_missing(self, command: str) -> None:
        environ = FULL | {"CNI_COMMAND": command, "CNI_PATH": "", "CNI_ARGS": ""}
        assert read_variables(environ) == Variables(command, "pod-1", NETNS, "eth0", "", [])

    def test_del_takes_an_empty_netns(self) -> None:
        assert read_variables(FULL | {"CNI_COMMAND": "DEL", "CNI_NETNS": ""}).netns == ""

    def test_empty_entries_of_the_path_are_left_out(self) -> None:
        assert read_variables(FULL | {"CNI_COMMAND": "ADD"}).path == ["/a", "/b"]

    @pytest.mark.parametrize("command", ["GC", "STATUS"])
    def test_what_a_verb_does_not_use_is_not_looked_at_and_does_not_come_through(self, command: str) -> None:
        environ = {"CNI_COMMAND": command, "CNI_CONTAINERID": "../..", "CNI_IFNAME": "/", "CNI_ARGS": "x"}
        assert read_variables(environ) == Variables(command, "", "", "", "", [])

    @pytest.mark.parametrize("command", ["FROB", "add", "ADD ", ""])
    def test_an_unknown_verb_is_refused_in_the_words_that_runtimes_know(self, command: str) -> None:
        error = refusal(command)
        assert error.msg == f"unknown CNI_COMMAND: {command}"
        assert "ADD, DEL, CHECK, GC, STATUS, VERSION" in error.details


class TestWhatAVariableMayHold:
    @pytest.mark.parametrize(
        ("container_id", "good"),
        [
            pytest.param("a", True, id="one letter"),
            pytest.param("0" * 64, True, id="containerd's 64 digits"),
            pytest.param("a_b.c-d", True, id="every character"),
            pytest.param("a" * 253, True, id="the longest"),
            pytest.param("a" * 254, False, id="too long"),
            pytest.param("_a", False, id="begins with an underscore"),
            pytest.param(".a", False, id="begins with a dot"),
            pytest.param("-a", False, id="begins with a hyphen"),
            pytest.param("a/b", False, id="slash"),
            pytest.param("a\\b", False, id="backslash"),
            pytest.param("a b", False, id="space"),
            pytest.param("a\n", False, id="newline at the end"),
            pytest.param("ä", False, id="letter outside ASCII"),
            pytest.param("a;b", False, id="semicolon"),
        ],
    )
    def test_container_id(self, container_id: str, good: bool) -> None:
        if good:
            environ = FULL | {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": container_id}
            assert read_variables(environ).container_id == container_id
        else:
            assert "CNI_CONTAINERID" in refusal("ADD", CNI_CONTAINERID=container_id).msg

    @pytest.mark.parametrize(
        ("ifname", "good"),
        [
            pytest.param("eth0", True, id="usual"),
            pytest.param("a" * 15, True, id="15 bytes"),
            pytest.param("é" * 7 + "a", True, id="15 bytes of 8 characters"),
            pytest.param("a" * 16, False, id="16 bytes"),
            pytest.param("é" * 8, False, id="16 bytes of 8 characters"),
            pytest.param(".", False, id="dot"),
            pytest.param("..", False, id="two dots"),
            pytest.param("...", True, id="three dots"),
            pytest.param("a/b", False, id="slash"),
            pytest.param("a:b", False, id="colon"),
            pytest.param("a b", False, id="space"),
            pytest.param("a\t", False, id="tab"),
            pytest.param("a\u00a0b", False, id="no-break space"),
            pytest.param("a\u2003b", False, id="em space"),
            pytest.param("a\udcff", False, id="a byte that is not UTF-8"),
        ],
    )
    def test_ifname(self, ifname: str, good: bool) -> None:
        if good:
            assert read_variables(FULL | {"CNI_COMMAND": "DEL", "CNI_IFNAME": ifname}).ifname == ifname
        else:
            assert "CNI_IFNAME" in refusal("DEL", CNI_IFNAME=ifname).msg

    def test_missing_and_bad_ones_are_in_one_error_with_the_plugin_s_own_rules(self) -> None:
        error = refusal("ADD", CNI_CONTAINERID="a/b", CNI_IFNAME="", CNI_NETNS="blue", CNI_ARGS="secretvalue")
        for name in ("CNI_CONTAINERID", "CNI_IFNAME is missing", "CNI_NETNS", "CNI_ARGS"):
            assert name in error.msg
        assert "secretvalue" not in str(error)

    def test_a_missing_netns_is_not_also_a_bad_one(self) -> None:
        assert refusal("ADD", CNI_NETNS="").msg.count("CNI_NETNS") == 1


class TestOwnRules:
    """What this plugin asks beyond the specification comes after the checks of the configuration."""

    @pytest.mark.parametrize("command", ["ADD", "CHECK"])
    def test_bad_netns_and_args_are_in_one_error(self, command: str) -> None:
        variables = read_variables(FULL | {"CNI_COMMAND": command, "CNI_NETNS": "blue", "CNI_ARGS": "a=b"})
        with pytest.raises(CniError) as caught:
            check_own_rules(variables)
        assert caught.value.code == BAD_VARIABLE
        assert "CNI_NETNS" in caught.value.msg
        assert "CNI_ARGS" in caught.value.msg

    def test_del_accepts_whatever_was_passed(self) -> None:
        environ = FULL | {"CNI_COMMAND": "DEL", "CNI_NETNS": "blue", "CNI_ARGS": "a=b=c"}
        check_own_rules(read_variables(environ))

    @pytest.mark.parametrize("command", ["ADD", "CHECK"])
    def test_good_ones_pass(self, command: str) -> None:
        check_own_rules(read_variables(FULL | {"CNI_COMMAND": command}))
