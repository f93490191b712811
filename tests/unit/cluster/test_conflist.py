"""The file of the pods' network: right for `config check` and for an ADD, whole, and never another's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cni_hns.cluster import conflist, host_endpoint, network, source_vip
from cni_hns.cluster.network import ClusterNetwork
from cni_hns.cluster.network_faults import Occupied
from cni_hns.cluster.patience import Waiting
from cni_hns.cluster.wanted import NetworkWanted
from cni_hns.dialects.lint import check_file_text
from tests.harness import SimulatedNode, container_id
from tests.unit.cluster.simulated import BRIDGE, OVERLAY, POD_CIDR, at_once, node_of, turned

NAME = conflist.FILE_NAME
BOTH = (POD_CIDR, "fd00:244:3::/64")
DUAL = BRIDGE._replace(
    cluster_cidrs=("10.244.0.0/16", "fd00:244::/48"), service_cidrs=("10.96.0.0/12", "fd00:96::/108")
)
HERE = ClusterNetwork("1d2c", "flannel.4096", "overlay", (POD_CIDR,), "192.0.2.10", "00-15-5D-01-02-03", 4096)
LISTED = conflist.document(OVERLAY, HERE)


@pytest.mark.parametrize(
    ("wanted", "prefixes"),
    [
        pytest.param(OVERLAY, (POD_CIDR,), id="overlay"),
        pytest.param(BRIDGE, (POD_CIDR,), id="l2bridge"),
        pytest.param(DUAL, BOTH, id="dual stack"),
        pytest.param(BRIDGE._replace(host_endpoint=False), (POD_CIDR,), id="without a host's endpoint"),
        pytest.param(
            OVERLAY._replace(cluster_cidrs=(), service_cidrs=(), dns_servers=()), (POD_CIDR,), id="none told"
        ),
        pytest.param(
            OVERLAY._replace(mtu=1400, data_dir="C:\\d", log_file="C:\\d\\l.log"), (POD_CIDR,), id="all told"
        ),
    ],
)
def test_config_check_has_nothing_to_say_of_it(wanted: NetworkWanted, prefixes: tuple[str, ...]) -> None:
    text = json.dumps(conflist.document(wanted, HERE._replace(prefixes=prefixes)))
    assert [str(one) for one in check_file_text(text, NAME) if one.severity != "note"] == []


@pytest.mark.parametrize(
    ("wanted", "exceptions"),
    [
        pytest.param(OVERLAY, ["10.244.0.0/16", "10.96.0.0/12"], id="the cluster's"),
        pytest.param(OVERLAY._replace(cluster_cidrs=()), [POD_CIDR, "10.96.0.0/12"], id="the node's own"),
        pytest.param(DUAL, ["10.244.0.0/16", "10.96.0.0/12"], id="of the network's families alone"),
    ],
)
def test_pods_reach_pods_and_services_without_nat(wanted: NetworkWanted, exceptions: list[str]) -> None:
    (plugin,) = conflist.document(wanted, HERE)["plugins"]
    assert plugin["outboundNat"] == {"exceptions": exceptions}


@pytest.mark.parametrize(
    ("wanted", "cidrs", "families"),
    [
        pytest.param(OVERLAY, (POD_CIDR,), 1, id="overlay"),
        pytest.param(BRIDGE, (POD_CIDR,), 1, id="l2bridge"),
        pytest.param(DUAL, BOTH, 2, id="dual stack", marks=pytest.mark.needs("DualStack")),
    ],
)
def test_an_add_works_on_the_agents_network_and_a_check_agrees(
    node: SimulatedNode, wanted: NetworkWanted, cidrs: tuple[str, ...], families: int
) -> None:
    with node_of(node) as opened:
        made = network.ensure(wanted, cidrs, opened, turned())
        own = (
            {source_vip.ensure(made, opened)} if wanted is OVERLAY else {*host_endpoint.ensure(made, opened)}
        )
        listed = conflist.document(wanted, made)
        assert conflist.not_ready(listed, opened) == ""
    config = {"cniVersion": "1.0.0", "name": listed["name"], **listed["plugins"][0]}
    pod, namespace = container_id(), node.namespace()
    added = node.call("ADD", config, pod, namespace)
    assert added.exit_code == 0, added.words
    addresses = [one.partition("/")[0] for one in added.addresses]
    assert len(addresses) == families
    assert not own & set(addresses)
    if wanted is not OVERLAY:
        assert own == {one["gateway"] for one in added.document["ips"]}
    checked = node.call("CHECK", {**config, "prevResult": added.document}, pod, namespace)
    assert checked.exit_code == 0, checked.words
    assert [one["Name"] for one in node.simulator.dump()["networks"]] == [wanted.name]


def test_an_add_makes_no_network_of_its_own(node: SimulatedNode) -> None:
    config = {"cniVersion": "1.0.0", "name": LISTED["name"], **LISTED["plugins"][0]}
    answer = node.call("ADD", config, container_id(), node.namespace())
    assert "does not exist on this node" in answer.words
    assert node.simulator.dump()["networks"] == []


def test_without_the_network_it_is_not_ready_and_says_why(node: SimulatedNode) -> None:
    with node_of(node) as opened:
        assert 'HCN network "flannel.4096" does not exist' in conflist.not_ready(LISTED, opened)


def test_it_is_written_whole_and_last(tmp_path: Path) -> None:
    folder = tmp_path / "net.d"
    assert conflist.write(str(folder), NAME, LISTED, at_once())
    assert json.loads((folder / NAME).read_text()) == LISTED
    assert os.listdir(folder) == [NAME]
    assert conflist.is_written(str(folder), NAME)


def test_an_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    conflist.write(str(tmp_path), NAME, LISTED)
    os.utime(tmp_path / NAME, (1, 1))
    assert not conflist.write(str(tmp_path), NAME, LISTED)
    assert (tmp_path / NAME).stat().st_mtime == 1


def test_another_pod_cidr_replaces_it_and_keeps_no_copy(tmp_path: Path) -> None:
    conflist.write(str(tmp_path), NAME, LISTED)
    other = conflist.document(OVERLAY, HERE._replace(prefixes=("10.244.9.0/24",)))
    assert conflist.write(str(tmp_path), NAME, other)
    assert json.loads((tmp_path / NAME).read_text()) == other
    assert os.listdir(tmp_path) == [NAME]


def test_a_configuration_of_this_plugin_by_hand_is_kept_beside_it(tmp_path: Path) -> None:
    by_hand = json.dumps({"cniVersion": "1.0.0", "name": "x", "plugins": [{"type": "cni-hns"}]})
    (tmp_path / NAME).write_text(by_hand)
    assert conflist.write(str(tmp_path), NAME, LISTED)
    assert (tmp_path / f"{NAME}.before-agent").read_text() == by_hand
    assert json.loads((tmp_path / NAME).read_text()) == LISTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": "x", "plugins": [{"type": "win-overlay"}]}', "is a configuration of win-overlay"),
        ("{", "is no configuration list"),
    ],
)
def test_a_file_of_others_is_left_and_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(Occupied, match=words):
        conflist.write(str(tmp_path), NAME, LISTED)
    assert not conflist.withdraw(str(tmp_path), NAME)
    assert (tmp_path / NAME).read_text() == text


def test_withdrawn_it_is_gone_and_once_more_is_fine(tmp_path: Path) -> None:
    conflist.write(str(tmp_path), NAME, LISTED)
    (tmp_path / f"{NAME}.tmp").write_text("half of")
    assert conflist.withdraw(str(tmp_path), NAME)
    assert not conflist.withdraw(str(tmp_path), NAME)
    assert not conflist.withdraw(str(tmp_path / "nowhere"), NAME)
    assert os.listdir(tmp_path) == []


def test_files_that_containerd_loads_before_it_are_named(tmp_path: Path) -> None:
    for one in (
        "05-calico.conf",
        "09-x.conflist",
        "00-readme.txt",
        "0-x.CONF",
        "10-cni-hns.conf",
        "20-y.json",
    ):
        (tmp_path / one).write_text("{}")
    assert conflist.before_it(str(tmp_path), NAME) == ["05-calico.conf", "09-x.conflist", "10-cni-hns.conf"]
    assert conflist.before_it(str(tmp_path / "nowhere"), NAME) == []


@pytest.mark.parametrize("refusals", [1, 3])
def test_a_file_that_somebody_reads_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """Windows refuses it while another process has the file open."""
    conflist.write(str(tmp_path), NAME, LISTED)
    replace, left = os.replace, [PermissionError(13, "in use")] * refusals

    def refusing(source: str, target: str) -> None:
        if left:
            raise left.pop()
        replace(source, target)

    other = conflist.document(OVERLAY, HERE._replace(prefixes=("10.244.9.0/24",)))
    waiting = turned()
    monkeypatch.setattr("cni_hns.cluster.conflist._SHARING_S", 5.0)
    monkeypatch.setattr("cni_hns.cluster.conflist.os.replace", refusing)
    assert conflist.write(str(tmp_path), NAME, other, waiting)
    assert json.loads((tmp_path / NAME).read_text()) == other
    assert waiting.now() == refusals * waiting.step_s


def test_a_file_that_stays_in_use_is_a_failure_in_time_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflist.write(str(tmp_path), NAME, LISTED)

    def refusing(source: str, target: str) -> None:
        raise PermissionError(13, "in use")

    waiting: Waiting = turned()
    monkeypatch.setattr("cni_hns.cluster.conflist._SHARING_S", 5.0)
    monkeypatch.setattr("cni_hns.cluster.conflist.os.replace", refusing)
    other = conflist.document(OVERLAY, HERE._replace(prefixes=("10.244.9.0/24",)))
    with pytest.raises(PermissionError, match="in use"):
        conflist.write(str(tmp_path), NAME, other, waiting)
    assert waiting.now() == 5.0
    assert json.loads((tmp_path / NAME).read_text()) == LISTED
