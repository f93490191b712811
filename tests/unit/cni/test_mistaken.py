"""What is sent in place of a plugin's configuration, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.configuration import check_envelope, read_document
from cni_hns.cni.errors import DECODE_FAILURE, INVALID_CONFIG, CniError
from cni_hns.cni.mistaken import words_for, words_for_text

PLUGIN = {"type": "cni-hns", "network": {"mode": "l2bridge"}}
LIST = {"cniVersion": "1.0.0", "name": "pods", "plugins": [PLUGIN]}
GUID = "a0b7033c-dcfc-4820-a5b9-24f5739fe54b"


def refusal(text: str, command: str = "ADD") -> CniError:
    with pytest.raises(CniError) as caught:
        check_envelope(read_document(text.encode()), command)
    return caught.value


@pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK", "GC", "STATUS"])
@pytest.mark.parametrize("key", ["plugins", "Plugins"])
def test_a_list_is_called_one_by_every_verb(command: str, key: str) -> None:
    error = refusal(json.dumps({"name": "pods", key: [PLUGIN]}), command)
    assert error.code == INVALID_CONFIG
    assert "is a list: a runtime sends one plugin of it (cnitool does)" in error.msg
    assert "cnitool add" in error.details


def test_a_plugin_that_has_a_key_of_that_name_is_none() -> None:
    document = read_document(json.dumps({**LIST, "type": "cni-hns"}).encode())
    assert check_envelope(document, "ADD").name == "pods"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({}, "the object is empty", id="an empty object"),
        pytest.param(PLUGIN, "as in a list", id="a plugin as the list has it"),
        pytest.param(
            {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"},
            "a document of Kubernetes",
            id="kubelet's",
        ),
        pytest.param({"kind": "ConfigMap", "data": {}}, "a document of Kubernetes", id="a manifest"),
        pytest.param(
            {"ID": GUID, "Name": "l2b", "Type": "L2Bridge", "Ipams": []}, "a document of HNS", id="HCN's"
        ),
        pytest.param(
            {"ID": GUID, "Type": "L2Bridge", "ManagementIP": "10.0.0.1"}, "a document of HNS", id="HNS V1's"
        ),
        pytest.param({"Success": True, "Output": []}, "a document of HNS", id="an answer of HNS V1"),
        pytest.param({"cniVersion": "1.0.0", "ips": [], "interfaces": []}, "is a result", id="a result"),
        pytest.param(
            {"kind": "cniCacheV1", "containerId": "x", "networkName": "pods"}, "libcni keeps", id="a cache"
        ),
        pytest.param({"metadata": {"name": "web"}}, "for crictl", id="a pod for crictl"),
        pytest.param({"cniVersion": "1.1.0"}, 'needs a "name"', id="what nothing tells"),
    ],
)
def test_an_object_that_has_no_name_is_told_by_its_keys(document: dict[str, Any], words: str) -> None:
    error = refusal(json.dumps(document))
    assert (error.code, error.msg) == (INVALID_CONFIG, "missing network name")
    assert words in error.details


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(json.dumps([PLUGIN]), "the plugins of a list", id="an array"),
        pytest.param(json.dumps(json.dumps(PLUGIN)), "quoted once too often", id="JSON in a text"),
        pytest.param('# made by hand\nversion = 2\n[plugins."cri"]\n', "looks like TOML", id="containerd's"),
        pytest.param("[plugins]\n", "looks like TOML", id="a table"),
        pytest.param("apiVersion: v1\nkind: ConfigMap\n", "looks like YAML", id="a manifest"),
        pytest.param("---\n- a\n", "looks like YAML", id="a document of several"),
        pytest.param("kind:\n  a: b\n", "looks like YAML", id="a key alone"),
    ],
)
def test_what_is_no_object_is_told_by_how_it_begins(text: str, words: str) -> None:
    error = refusal(text)
    assert error.code == DECODE_FAILURE
    assert words in error.details


@pytest.mark.parametrize("text", ["{", '{"name": "pods",}', "[1, 2", "nonsense", "7,"])
def test_of_broken_json_nothing_is_guessed(text: str) -> None:
    assert refusal(text).details == ""


_TELLING: tuple[Any, ...] = (
    *(None, [], "", {}, LIST, PLUGIN),
    *({key: 1} for key in ("networkName", "kind", "ipams", "ips", "metadata", "x")),
)
SENTENCES = {*map(words_for, _TELLING), *map(words_for_text, ("", "a = 1", "a: 1"))}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.text())
def test_nothing_is_repeated(document: Any, text: str) -> None:
    """What is said is one of a few sentences, whatever was sent."""
    assert words_for(document) in SENTENCES
    assert words_for_text(text) in SENTENCES
