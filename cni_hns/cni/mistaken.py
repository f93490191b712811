"""What a document on stdin probably is, where it is no plugin's configuration. Loaded when one is refused.

Rule: only keys are looked at, and how a text begins; nothing of it is repeated, for it may hold secrets.
"""

from __future__ import annotations

import re

from cni_hns.typed import Any

__all__ = ["is_list", "words_for", "words_for_text"]

_SEND_ONE = (
    'send the object of one plugin, with the "name" and "cniVersion" of the list in it; or name the folder '
    "of the file in NETCONFPATH and run: cnitool add NAME NETNS"
)

# Keys, in lower case, of which any tells what a document is; of those in a tuple all have to be there.
_KINDS: tuple[tuple[tuple[str | tuple[str, ...], ...], str], ...] = (
    (("networkname", ("containerid", "ifname")), "it is what libcni keeps of an ADD, not a configuration"),
    (
        ("apiversion", "kind"),
        "it is a document of Kubernetes (kubelet's configuration, a ConfigMap), not of CNI: runtimes read "
        "those from files in a folder (containerd: conf_dir)",
    ),
    (
        ("schemaversion", "hostcomputenetwork", "ipams", "success", "managementip", ("id", "type")),
        "it is a document of HNS, not a configuration: that names an HCN network in network.name "
        "(`cni-hns network list` lists them)",
    ),
    (("ips", "interfaces", "ip4", "ip6"), "it is a result, as ADD prints one: CHECK takes it as prevResult"),
    (("metadata", "log_directory"), "it is a pod for crictl, not a network configuration"),
    (("type",), f"as in a list, whose name a runtime puts into it: {_SEND_ONE}"),
)
_TOML = r"\[+ *[A-Za-z]|[\w.-]+ *= *\S"
_YAML = r"---|[\w./-]+:( |$)"
_LOOKED_AT = 4096


def is_list(document: dict[str, Any]) -> bool:
    """Whether it is a list of plugins: libcni knows one by this key, and a plugin's object by its type."""
    keys = _keys(document)
    return "plugins" in keys and "type" not in keys


def words_for(document: object) -> str:
    """What this JSON document probably is, and what to send; "" where nothing tells."""
    if isinstance(document, list):
        return f"if these are the plugins of a list: {_SEND_ONE}"
    if isinstance(document, str):
        return "if it is JSON in a text, it was quoted once too often"
    if not isinstance(document, dict):
        return ""
    keys = _keys(document)
    if not keys:
        return 'the object is empty: a configuration has at least "cniVersion", "name" and "type"'
    if is_list(document):
        return _SEND_ONE
    return next((words for signs, words in _KINDS if any(_has(keys, sign) for sign in signs)), "")


def words_for_text(text: str) -> str:
    """What this text, which is no JSON, probably is; "" where nothing tells."""
    lines = (line.strip() for line in text[:_LOOKED_AT].splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if re.match(_TOML, first):
        return "it looks like TOML, as containerd's config.toml is: CNI's are JSON files in its conf_dir"
    if re.match(_YAML, first):
        return "it looks like YAML, as kubelet's configuration and manifests are: CNI's are JSON"
    return ""


def _keys(document: dict[str, Any]) -> set[str]:
    """Go matches keys in any case."""
    return {key.lower() for key in document}


def _has(keys: set[str], sign: str | tuple[str, ...]) -> bool:
    return keys.issuperset((sign,) if isinstance(sign, str) else sign)
