"""The configuration on stdin: what must be refused, and what a runtime may put in."""

from __future__ import annotations

from typing import Any

from cni_hns.conformance.bench import ABSENT, Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import shape_faults
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS", "UNKNOWN_KEY"]

_INCOMPATIBLE, _UNSUPPORTED_FIELD, _UNDECODABLE, _INVALID = 1, 2, 6, 7
_DECODING = "section 5, Error, code 6"
_FAILS = '"exit with a return code of 0 on success, and non-zero on failure"'

UNKNOWN_KEY = "org.example.conformance"
_UNKNOWN_VALUE = "never-heard-of"


def _add_raw(bench: Bench, stdin: bytes) -> Outcome:
    return bench.call(bench.variables("ADD", bench.attachment()), stdin)


@check(
    "configuration.empty",
    MUST,
    "ADD with nothing on stdin is an error",
    section="section 2, ADD; section 5, Error, codes 5 and 6",
    quote='"The runtime will provide a JSON-serialized plugin configuration object on standard in"',
)
def empty(bench: Bench) -> None:
    bench.refused(_add_raw(bench, b""), "an empty configuration")


@check(
    "configuration.not-json",
    MUST,
    "a configuration that is not JSON is an error",
    section=_DECODING,
    quote='"Failed to decode content. For example, failed to unmarshal network config from bytes"',
)
def not_json(bench: Bench) -> None:
    for text in (b"no configuration", b'{"cniVersion": "1.0.0", "name": "cut'):
        bench.refused(_add_raw(bench, text), f"{text.decode()!r} as a configuration", _UNDECODABLE)


@check(
    "configuration.not-an-object",
    MUST,
    "a configuration that is JSON but no object is an error",
    section="section 1, Configuration format",
    quote='"A network configuration consists of a JSON object"',
)
def not_an_object(bench: Bench) -> None:
    for text in (b"[]", b'"text"', b"null"):
        bench.refused(_add_raw(bench, text), f"{text.decode()} as a configuration")


@check(
    "configuration.name-missing",
    SHOULD,
    "a configuration without `name` is an error",
    section="section 3, Deriving request configuration; section 5, Error, code 7",
    quote="`name` is always inserted by the runtime: without it the attachment has no network",
)
def name_missing(bench: Bench) -> None:
    bench.refused(bench.add(bench.attachment(), name=ABSENT), "a configuration without name", _INVALID)


@check(
    "configuration.name-characters",
    SHOULD,
    "a network name with characters that the specification forbids is refused",
    section="section 1, Configuration format",
    quote='"Must start with an alphanumeric character … Must not contain characters disallowed in file '
    'paths"',
)
def name_characters(bench: Bench) -> None:
    for name in ("../outside", "two words"):
        bench.refused(bench.add(bench.attachment(), name=name), f"the network name {name!r}", _INVALID)


@check(
    "configuration.version-unknown",
    MUST,
    "a `cniVersion` that the plugin does not support is an error",
    section="section 1, Version considerations; section 5, Error, code 1",
    quote='"Incompatible CNI version"; a result has "the same version supplied on input"',
)
def version_unknown(bench: Bench) -> None:
    for version in ("9.9.9", "1.0"):
        outcome = bench.add(bench.attachment(), cniVersion=version)
        bench.refused(outcome, f"cniVersion {version}", _INCOMPATIBLE)


@check(
    "configuration.version-absent",
    SHOULD,
    "a configuration without `cniVersion` is one of 0.1.0",
    section="specification 0.1.0, which had no such key; libcni",
    quote="without `cniVersion` the oldest version is meant",
)
def version_absent(bench: Bench) -> None:
    outcome = bench.add(bench.attachment(), cniVersion=ABSENT)
    if "0.1.0" not in bench.subject.reported:
        bench.refused(outcome, "a configuration without cniVersion, though 0.1.0 is not supported")
        return
    bench.must(outcome.ok, "ADD without cniVersion failed, though 0.1.0 is supported", outcome)
    faults = shape_faults(outcome.document or {}, "0.1.0")
    bench.must(not faults, f"the result is not one of 0.1.0: {', '.join(faults)}", outcome)


@check(
    "configuration.unknown-key",
    MUST,
    "an unknown key is passed over, or refused by an error that has its name and value",
    section="section 1, Plugin configuration objects; section 5, Error, code 2",
    quote='plugins "may generate an error if called with unknown fields"; "The error message must '
    "contain the key and "
    'value of the unsupported field"',
)
def unknown_key(bench: Bench) -> None:
    unknown: dict[str, Any] = {UNKNOWN_KEY: _UNKNOWN_VALUE}
    outcome = bench.add(bench.attachment(), **unknown)
    if outcome.ok:
        return
    bench.refused(outcome, "an unknown key", _UNSUPPORTED_FIELD)
    unnamed = [word for word in (UNKNOWN_KEY, _UNKNOWN_VALUE) if word not in outcome.error_text]
    bench.must(not unnamed, f"the error about an unknown key does not contain {', '.join(unnamed)}", outcome)


@check(
    "configuration.args",
    SHOULD,
    "unknown content of `args` is ignored",
    section='CONVENTIONS, "args" in network config',
    quote="plugins that do not understand additional data in `args` should just ignore it",
)
def args(bench: Bench) -> None:
    labels = {"org.example": {"colour": "green"}, "cni": {"labels": [{"key": "app", "value": "web"}]}}
    outcome = bench.add(bench.attachment(), args=labels)
    bench.must(outcome.ok, "ADD with `args` failed", outcome)


@check(
    "configuration.capabilities",
    SHOULD,
    "`capabilities` in the configuration does no harm",
    section="section 3, Deriving request configuration; libcni",
    quote="`capabilities` must not be set by the specification, but libcni leaves it in",
)
def capabilities(bench: Bench) -> None:
    declared = dict.fromkeys([*bench.subject.configuration.capabilities, "org.example"], True)
    outcome = bench.add(bench.attachment(), capabilities=declared)
    bench.must(outcome.ok, "ADD with `capabilities` failed", outcome)


@check(
    "configuration.runtime-config-empty",
    MUST,
    "an empty `runtimeConfig` is taken",
    section="section 3, Deriving request configuration",
    quote="the runtime must insert the union of capabilities provided and requested, which may be empty",
    since="0.3.0",
)
def runtime_config_empty(bench: Bench) -> None:
    outcome = bench.add(bench.attachment(), runtimeConfig={})
    bench.must(outcome.ok, "ADD with an empty `runtimeConfig` failed", outcome)


@check(
    "configuration.runtime-config",
    SHOULD,
    "data for the capabilities `dns` and `portMappings` is taken where they are declared",
    section="section 3, Deriving runtimeConfig; CONVENTIONS, Dynamic Plugin specific fields",
    quote="a capability that the configuration declares and the runtime provides is inserted",
    since="0.3.0",
)
def runtime_config(bench: Bench) -> None:
    dns = {"servers": ["10.96.0.10"], "searches": ["default.svc.cluster.local"], "options": ["ndots:5"]}
    mappings = [{"hostPort": 34567, "containerPort": 80, "protocol": "tcp"}]
    _add_with(bench, {"dns": dns, "portMappings": mappings})


@check(
    "configuration.runtime-config-containerd",
    SHOULD,
    "the same data is taken as containerd writes it: keys capitalised, empty lists null, an empty host "
    "address",
    section="containerd (go-cni); no specification has it",
    quote="key case is not significant to plugins in Go",
    since="0.3.0",
)
def runtime_config_containerd(bench: Bench) -> None:
    dns = {"Servers": ["10.96.0.10"], "Searches": ["default.svc.cluster.local"], "Options": None}
    mappings = [{"HostPort": 34568, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}]
    _add_with(bench, {"dns": dns, "portMappings": mappings})


def _add_with(bench: Bench, data: dict[str, Any]) -> None:
    wanted = {key: value for key, value in data.items() if key in bench.subject.configuration.capabilities}
    if not wanted:
        raise NotApplicable("the configuration declares neither capability")
    outcome = bench.add(bench.attachment(), runtimeConfig=wanted)
    bench.must(outcome.ok, f"ADD with runtimeConfig for {', '.join(wanted)} failed", outcome)


CHECKS = (
    empty,
    not_json,
    not_an_object,
    name_missing,
    name_characters,
    version_unknown,
    version_absent,
    unknown_key,
    args,
    capabilities,
    runtime_config_empty,
    runtime_config,
    runtime_config_containerd,
)
