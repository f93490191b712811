from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.arguments import argument_faults, loggable_arguments, meaningless_pieces, read_arguments
from cni_hns.cni.errors import BAD_VARIABLE, CniError

PLANTED = "hunter2hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("IP=10.0.0.9", {"IP": "10.0.0.9"}, id="address"),
        pytest.param("IP=10.0.0.9/24", {"IP": "10.0.0.9/24"}, id="address with a length"),
        pytest.param("IP=fd00::9", {"IP": "fd00::9"}, id="IPv6 address"),
        pytest.param("IP=", {}, id="a known key without a value is absent"),
        pytest.param("MAC=00:15:5d:01:02:03", {"MAC": "00:15:5d:01:02:03"}, id="MAC with colons"),
        pytest.param("MAC=00-15-5D-01-02-03", {"MAC": "00-15-5D-01-02-03"}, id="MAC with hyphens"),
        pytest.param("IgnoreUnknown=1;X=y", {"IgnoreUnknown": "1"}, id="unknown key ignored"),
        pytest.param("X=y;IgnoreUnknown=TRUE", {"IgnoreUnknown": "TRUE"}, id="the switch may come last"),
        pytest.param("IP=10.0.0.1;IP=10.0.0.2", {"IP": "10.0.0.2"}, id="the later of two wins"),
        pytest.param(
            "K8S_POD_NAMESPACE=n;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=i;K8S_POD_UID=u;IgnoreUnknown=1",
            {
                "K8S_POD_NAMESPACE": "n",
                "K8S_POD_NAME": "p",
                "K8S_POD_INFRA_CONTAINER_ID": "i",
                "K8S_POD_UID": "u",
                "IgnoreUnknown": "1",
            },
            id="what containerd passes",
        ),
    ],
)
def test_good_arguments(text: str, expected: dict[str, str]) -> None:
    assert read_arguments(text) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(PLANTED, "piece 1", id="no equals sign"),
        pytest.param(f"TOKEN={PLANTED}=x", "TOKEN", id="two equals signs"),
        pytest.param(f"IP=10.0.0.1;{PLANTED}", "piece 2", id="the second piece"),
        pytest.param("IP=10.0.0.1;", "piece 2", id="semicolon at the end"),
        pytest.param(f"TOKEN={PLANTED}", "TOKEN", id="unknown key"),
        pytest.param(f"ip={PLANTED}", "ip", id="keys are matched in their exact case"),
        pytest.param(f"TOKEN={PLANTED};IgnoreUnknown=0", "TOKEN", id="unknown key with the switch off"),
        pytest.param(f"IP={PLANTED}", "IP", id="not an address"),
        pytest.param("IP=10.0.0.1,10.0.0.2", "IP", id="two addresses"),
        pytest.param("IP=fe80::1%eth0", "IP", id="address with a zone"),
        pytest.param(f"MAC={PLANTED}", "MAC", id="not a MAC"),
        pytest.param("MAC=00:15:5d:01:02", "MAC", id="five bytes"),
        pytest.param("MAC=00:15-5d:01:02:03", "MAC", id="mixed separators"),
        pytest.param(f"IgnoreUnknown={PLANTED}", "IgnoreUnknown", id="not a switch"),
        pytest.param(f"IP={PLANTED};IgnoreUnknown=1", "IP", id="a bad value is not an unknown key"),
        pytest.param(f"{PLANTED};IgnoreUnknown=1", "piece 1", id="a bad piece is not an unknown key"),
    ],
)
def test_bad_arguments_are_named_but_never_shown(text: str, named: str) -> None:
    with pytest.raises(CniError) as caught:
        read_arguments(text)
    assert caught.value.code == BAD_VARIABLE
    assert named in caught.value.msg
    assert "CNI_ARGS" in caught.value.msg
    assert PLANTED not in str(caught.value)


def test_all_faults_are_reported_at_once() -> None:
    assert len(argument_faults("a;b=c=d;IP=x;MAC=y;Z=z")) == 5


def test_lenient_reading_passes_over_what_means_nothing() -> None:
    text = f"IP=10.0.0.1;TOKEN={PLANTED};loose;a=b=c"
    assert read_arguments(text, lenient=True) == {"IP": "10.0.0.1"}
    assert len(meaningless_pieces(text)) == 3
    assert PLANTED not in str(meaningless_pieces(text))


@pytest.mark.parametrize("text", ["IP=x;loose", "MAC=x", "K8S_POD_NAMESPACE=a b"])
def test_a_wish_that_cannot_be_read_is_no_piece_that_means_nothing(text: str) -> None:
    with pytest.raises(CniError):
        read_arguments(text, lenient=True)


def test_the_log_gets_names_and_lengths() -> None:
    length = f"({len(PLANTED)} characters)"
    logged = loggable_arguments(f"TOKEN={PLANTED};{PLANTED};EMPTY=")
    assert logged == {"TOKEN": length, "piece 2": length, "EMPTY": "(0 characters)"}
    assert loggable_arguments("") == {}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    code = BAD_VARIABLE
    try:
        read_arguments(text)
    except CniError as error:
        code = error.code
    assert code == BAD_VARIABLE
