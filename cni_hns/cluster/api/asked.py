"""What is asked of the API: its path, and its words for messages."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlencode

__all__ = ["Asked", "Resource"]


class Resource(NamedTuple):
    """A collection: Resource("v1", "nodes"), Resource("coordination.k8s.io/v1", "leases", "default")."""

    group_version: str
    plural: str
    namespace: str = ""

    @property
    def group(self) -> str:
        """The API group; "" for the core's."""
        return self.group_version.rpartition("/")[0]

    @property
    def path(self) -> str:
        """https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris"""
        root = "/apis/" if self.group else "/api/"
        of_namespace = f"/namespaces/{quote(self.namespace, safe='')}" if self.namespace else ""
        return f"{root}{self.group_version}{of_namespace}/{self.plural}"


class Asked(NamedTuple):
    """One request; `verb` is Kubernetes' own word, as in a Role."""

    verb: str
    resource: Resource
    name: str = ""
    subresource: str = ""

    def path(self, **query: str | int) -> str:
        """Where it goes; what is empty is left out of the query."""
        name = f"/{quote(self.name, safe='')}" if self.name else ""
        below = f"/{self.subresource}" if self.subresource else ""
        given = {key: value for key, value in query.items() if value not in ("", 0)}
        return self.resource.path + name + below + (f"?{urlencode(given)}" if given else "")

    @property
    def what(self) -> str:
        """ "patch nodes/status"."""
        return f"{self.verb} {self.kind}"

    @property
    def kind(self) -> str:
        """ "nodes/status", as a Role names it."""
        return self.resource.plural + (f"/{self.subresource}" if self.subresource else "")

    @property
    def object(self) -> str:
        """ "nodes "win-1"", or the whole collection."""
        name = f' "{self.name}"' if self.name else ""
        place = f' in namespace "{self.resource.namespace}"' if self.resource.namespace else ""
        return f"{self.kind}{name}{place}"

    def __str__(self) -> str:
        return f"{self.verb} {self.object}"

    @property
    def rule(self) -> str:
        """The rule that lets somebody do this, and what it stands in."""
        role = f'Role in namespace "{self.resource.namespace}"' if self.resource.namespace else "ClusterRole"
        return (
            f'{role}: apiGroups ["{self.resource.group}"], resources ["{self.kind}"], verbs ["{self.verb}"]'
        )
