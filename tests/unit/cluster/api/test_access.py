"""Kubeconfig files and a pod's own folder: what is read of them, and what is said of mistakes."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from cni_hns.cluster.api.access import from_kubeconfig, in_cluster
from cni_hns.cluster.api.credentials import Access, AccessFault, Pem, Secret, server_of

Document = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, authority: trustme.CA) -> Path:
    """What a kubeconfig names, beside it."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    own = authority.issue_cert("agent@example.com")
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "agent.crt"))
    own.private_key_pem.write_to_path(str(tmp_path / "agent.key"))
    (tmp_path / "token").write_text("of-a-file\n")
    return tmp_path


def document(cluster: Document | None = None, user: Document | None = None, **top: object) -> Document:
    """A kubeconfig as kubeadm writes it, with these additions; what is None is left out."""
    whole_cluster = {
        "server": "https://192.0.2.1:6443",
        "certificate-authority": "ca.crt",
        **(cluster or {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "k", "cluster": without_none(whole_cluster)}],
        "contexts": [{"name": "agent@k", "context": {"cluster": "k", "user": "agent"}}],
        "users": [{"name": "agent", "user": without_none({"token": "t-1"} if user is None else user)}],
        "current-context": "agent@k",
        **top,
    }


def without_none(values: Document) -> Document:
    return {key: value for key, value in values.items() if value is not None}


def read(folder: Path, content: Document | str | bytes, context: str = "") -> Access:
    file = folder / "kubeconfig"
    if isinstance(content, dict):
        content = yaml.safe_dump(content)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return from_kubeconfig(str(file), context)


def faults(folder: Path, content: Document | str | bytes, context: str = "") -> list[str]:
    """Each line without its beginning, which names the file."""
    with pytest.raises(AccessFault) as caught:
        read(folder, content, context)
    before = f'kubeconfig "{folder / "kubeconfig"}"'
    assert all(one.startswith(before) for one in caught.value.faults)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return [one.removeprefix(before).lstrip(": ") for one in caught.value.faults]


class TestKubeconfig:
    def test_paths_are_those_of_its_folder(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        user = {"client-certificate": "agent.crt", "client-key": "agent.key", "tokenFile": "token"}
        access = read(folder, document(user=user))
        monkeypatch.chdir("/")
        assert (access.server, access.namespace) == ("https://192.0.2.1:6443", "default")
        assert access.ca == Pem(file=str(folder / "ca.crt"))
        assert access.certificate == Pem(file=str(folder / "agent.crt"))
        assert access.key == Pem(file=str(folder / "agent.key"))
        assert access.token_file == str(folder / "token")

    def test_data_in_it_comes_before_files(self, folder: Path) -> None:
        def of(name: str) -> str:
            return base64.b64encode((folder / name).read_bytes()).decode()

        cluster = {"certificate-authority-data": of("ca.crt"), "certificate-authority": "nowhere"}
        user = {"client-certificate-data": of("agent.crt"), "client-key-data": of("agent.key")}
        access = read(folder, document(cluster, user))
        assert access.ca == Pem(text=Secret((folder / "ca.crt").read_text()))
        assert access.key.text.value == (folder / "agent.key").read_text()
        assert "PRIVATE" not in repr(access)

    def test_nothing_of_a_key_stays_on_the_disk(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        key = base64.b64encode((folder / "agent.key").read_bytes()).decode()
        read(folder, document(user={"client-certificate": "agent.crt", "client-key-data": key}))
        wrong = base64.b64encode(b"no key").decode()
        user = {"client-certificate": "agent.crt", "client-key-data": wrong}
        assert "client certificate and key do not fit" in faults(folder, document(user=user))[0]
        assert list(temporary.iterdir()) == []

    @pytest.mark.parametrize(
        "encoded",
        [
            pytest.param(lambda one: json.dumps(one, indent="\t").encode(), id="JSON with tabs"),
            pytest.param(
                lambda one: b"\xef\xbb\xbf" + yaml.safe_dump(one).encode(), id="a mark before UTF-8"
            ),
            pytest.param(lambda one: yaml.safe_dump(one).encode("utf-16"), id="as PowerShell 5 writes"),
            pytest.param(
                lambda one: yaml.safe_dump(one).replace("\n", "\r\n").encode(), id="line ends of Windows"
            ),
        ],
    )
    def test_it_may_be_written_in_many_ways(self, folder: Path, encoded: Any) -> None:
        assert read(folder, encoded(document())).token == Secret("t-1")

    def test_another_context_may_be_chosen(self, folder: Path) -> None:
        contexts = [
            {"name": "one", "context": {"cluster": "other", "user": "nobody"}},
            {"name": "two", "context": {"cluster": "k", "user": "agent", "namespace": "pods"}},
        ]
        whole = {**document(contexts=contexts), "current-context": "one"}
        assert read(folder, whole, "two").namespace == "pods"
        assert faults(folder, whole) == [
            'clusters: none is named "other"; there are: k',
            'users: none is named "nobody"; there are: agent',
        ]
        assert faults(folder, whole, "twoo") == ['contexts: none is named "twoo"; did you mean "two"?']

    @pytest.mark.parametrize(
        ("cluster", "user", "told"),
        [
            pytest.param(
                {"certificate-authorty": "ca.crt"},
                None,
                'clusters[0].cluster.certificate-authorty: unknown; did you mean "certificate-authority"?',
                id="a misspelt word",
            ),
            pytest.param({"server": None}, None, "clusters[0].cluster.server: missing", id="no server"),
            pytest.param(
                {"server": "http://192.0.2.1:8080"},
                None,
                "is not encrypted, and not on this machine",
                id="HTTP",
            ),
            pytest.param(
                {"insecure-skip-tls-verify": True},
                None,
                "clusters[0].cluster.insecure-skip-tls-verify: not supported: whoever answers",
                id="trust anybody",
            ),
            pytest.param(
                {"proxy-url": "http://proxy"},
                None,
                "clusters[0].cluster.proxy-url: not supported",
                id="proxy",
            ),
            pytest.param(
                {"certificate-authority": "nowhere.crt"},
                None,
                "clusters[0].cluster.certificate-authority: ",
                id="no such file",
            ),
            pytest.param(
                {"certificate-authority": "token"}, None, "is no certificate in PEM", id="no certificate"
            ),
            pytest.param(
                {"certificate-authority-data": "%"},
                None,
                "clusters[0].cluster.certificate-authority-data: it is no base64 of PEM",
                id="no base64",
            ),
            pytest.param({"server": 5}, None, "clusters[0].cluster.server: it is no text", id="a number"),
            pytest.param(
                None,
                {"exec": {"command": "aws"}},
                "users[0].user.exec: not supported: no program is started that this file names",
                id="a program",
            ),
            pytest.param(
                None,
                {"auth-provider": {"name": "gcp"}},
                "users[0].user.auth-provider: not supported",
                id="old",
            ),
            pytest.param(
                None,
                {"username": "a", "password": "b"},
                "users[0].user.password: not supported",
                id="password",
            ),
            pytest.param(
                None, {"token": "t", "as": "admin"}, "users[0].user.as: not supported", id="impersonation"
            ),
            pytest.param(None, {"token": "t\n t"}, "users[0].user.token: it is no token", id="two words"),
            pytest.param(
                None,
                {"client-certificate": "agent.crt"},
                "users[0].user.client-key: missing, beside client-certificate",
                id="no key",
            ),
            pytest.param(
                None,
                {"client-certificate": "agent.crt", "client-key": "ca.crt"},
                "client certificate and key do not fit",
                id="no key in the file",
            ),
            pytest.param(
                None,
                {"tokenfile": "token"},
                'users[0].user.tokenfile: unknown; did you mean "tokenFile"?',
                id="letter case",
            ),
        ],
    )
    def test_a_mistake_is_told_with_its_place(
        self, folder: Path, cluster: Document | None, user: Document | None, told: str
    ) -> None:
        found = faults(folder, document(cluster, user))
        assert any(told in one for one in found), found

    def test_all_mistakes_are_told_at_once(self, folder: Path) -> None:
        whole = document({"server": None, "proxy-url": "p"}, {"exec": {}, "tokenFile": "nowhere", "as": "x"})
        assert len(faults(folder, {**whole, "curent-context": "x"})) == 5

    def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(self, folder: Path) -> None:
        from cryptography.hazmat.primitives import serialization as s

        key = s.load_pem_private_key((folder / "agent.key").read_bytes(), None)
        locked = key.private_bytes(
            s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"password")
        )
        (folder / "locked.key").write_bytes(locked)
        user = {"client-certificate": "agent.crt", "client-key": "locked.key"}
        assert faults(folder, document(user=user)) == [
            "the client's key is encrypted: give one without a password"
        ]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            pytest.param("clusters: [\n  a: b: c\n", "line 2, column 7: it is no YAML", id="a slip"),
            pytest.param("", "it is no mapping", id="empty"),
            pytest.param("- a\n", "it is no mapping", id="a list"),
            pytest.param("!!python/object/apply:os.getpid []", "it is no YAML", id="code"),
            pytest.param(b"\xff\xfe\xff", "it is no YAML, or no text", id="no text"),
            pytest.param(b"[" * 100_000, "it is no YAML", id="deep"),
            pytest.param("current-context: x\n", "contexts: missing, or no list", id="nothing else"),
            pytest.param("kind: Config\n", "current-context: missing", id="no context"),
            pytest.param(
                '{"current-context": "x", "contexts": [1, {"name": "x"}]}',
                "contexts[1].context: missing",
                id="holes",
            ),
        ],
    )
    def test_what_is_no_kubeconfig(self, folder: Path, content: str | bytes, told: str) -> None:
        (found,) = faults(folder, content)
        assert told in found

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(AccessFault, match="cannot be read: No such file"):
            from_kubeconfig(str(tmp_path / "nowhere"))

    def test_words_of_a_newer_kubectl_are_passed_over(self, folder: Path) -> None:
        assert read(folder, document({"something-quite-new": 1}, {"token": "t", "other-thing": {}})).token


class TestServer:
    @pytest.mark.parametrize(
        ("url", "parts"),
        [
            ("https://192.0.2.1:6443", ("192.0.2.1", 6443, "", True)),
            ("https://api.example.com/k8s/", ("api.example.com", 443, "/k8s", True)),
            ("https://[2001:db8::1]:6443", ("2001:db8::1", 6443, "", True)),
            ("http://localhost:8080", ("localhost", 8080, "", False)),
        ],
    )
    def test_a_url_is_taken_apart(self, url: str, parts: object) -> None:
        assert server_of(url) == parts

    @pytest.mark.parametrize(
        "url",
        [
            "192.0.2.1:6443",
            "https://",
            "https://a:b@c",
            "https://a:99999",
            "ftp://a",
            "https://a?b",
            "https://[::1",
            "",
        ],
    )
    def test_what_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"URL|user name|query"):
            server_of(url)


class TestInCluster:
    VARIABLES = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}  # noqa: RUF012 - nobody changes it

    def test_the_folder_of_a_pod(self, folder: Path) -> None:
        (folder / "namespace").write_text("kube-system")
        access = in_cluster(str(folder), self.VARIABLES)
        assert (access.server, access.namespace) == ("https://10.96.0.1:443", "kube-system")
        assert (access.token_file, access.ca.file) == (str(folder / "token"), str(folder / "ca.crt"))

    def test_an_ipv6_address_gets_its_brackets(self, folder: Path) -> None:
        variables = {**self.VARIABLES, "KUBERNETES_SERVICE_HOST": "fd00::1"}
        assert in_cluster(str(folder), variables).server == "https://[fd00::1]:443"

    def test_a_host_process_container_has_its_mounts_below_a_folder(self, folder: Path) -> None:
        inside = folder / "C" / "var" / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
        inside.mkdir(parents=True)
        for name in ("token", "ca.crt"):
            os.link(folder / name, inside / name)
        variables = {**self.VARIABLES, "CONTAINER_SANDBOX_MOUNT_POINT": str(folder / "C")}
        assert in_cluster(variables=variables).token_file == str(inside / "token")

    def test_all_that_is_missing_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(AccessFault) as caught:
            in_cluster(str(tmp_path), {})
        assert len(caught.value.faults) == 3
        assert "name a kubeconfig file" in caught.value.faults[0]
