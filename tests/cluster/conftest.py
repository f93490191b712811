"""One control plane for each worker, with nothing in it but what it makes itself when a test begins."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.control_plane import ControlPlane
from tests.cluster.proxy import Proxy
from tests.lane import Lane

# In this order: no Pod is left behind on a Node that is gone.
_COLLECTIONS = [
    objects.PODS,
    "/api/v1/namespaces/default/events",
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/namespaces/default/serviceaccounts",
    "/apis/apps/v1/namespaces/default/daemonsets",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    objects.NODES,
]
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ROLES = [
    f"{_RBAC}/clusterrolebindings",
    f"{_RBAC}/clusterroles",
    f"{_RBAC}/namespaces/default/rolebindings",
    f"{_RBAC}/namespaces/default/roles",
]
# The API server keeps a Service of itself, and the roles that every cluster has.
_NOT_OF_EVERY_CLUSTER = "!kubernetes.io/bootstrapping"
_NOT_ITS_OWN = "metadata.name!=kubernetes"

_planes = pytest.StashKey[ControlPlane]()


@pytest.fixture(scope="session")
def running_plane(
    lane: Lane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ControlPlane]:
    """The worker's control plane; tests ask for `plane`."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane") / "plane", lane) as running:
        request.config.stash[_planes] = running
        yield running


@pytest.fixture
def plane(running_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane without objects; afterwards it runs again, whatever the test did to it."""
    _clean(running_plane.admin())
    yield running_plane
    running_plane.start_api()


@pytest.fixture
def admin(plane: ControlPlane) -> Admin:
    """Who may do all, on that control plane."""
    return plane.admin()


@pytest.fixture
def proxy(plane: ControlPlane) -> Iterator[Proxy]:
    """Another way to the API, which the test may let fail."""
    with Proxy(plane.host, plane.port) as working:
        yield working


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the servers said last is shown with a test that failed."""
    report = yield
    running = item.config.stash.get(_planes, None)
    if report.failed and running is not None:
        report.sections += [(f"{name} said", words) for name, words in running.logs().items()]
    return report


def _clean(admin: Admin) -> None:
    for collection in (objects.SERVICES, objects.SLICES):
        admin.delete_all(collection, fieldSelector=_NOT_ITS_OWN)
    for collection in _ROLES:
        admin.delete_all(collection, labelSelector=_NOT_OF_EVERY_CLUSTER)
    for collection in _COLLECTIONS:
        admin.delete_all(collection)
