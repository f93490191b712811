"""An API server that says what it is told to, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from cni_hns.cluster.api.client import Api
from cni_hns.cluster.api.credentials import Access, Pem, Secret
from tests.unit.cluster.api.scripted import ScriptedApi, served


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whom the clients of these tests believe."""
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[ScriptedApi]:
    with served(authority) as api:
        yield api


@pytest.fixture
def access(server: ScriptedApi, authority: trustme.CA, tmp_path: Path) -> Access:
    ca = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(ca))
    return Access(server.url, Pem(file=str(ca)), token=Secret("a-token"))


@pytest.fixture
def api(access: Access) -> Iterator[Api]:
    """Patient: no test here is about how long it waits, unless it says so."""
    with Api(access, timeout_s=30.0) as client:
        yield client
