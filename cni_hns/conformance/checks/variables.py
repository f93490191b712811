"""Variables of the environment: which are needed, what may be in them, how a wrong one is refused."""

from __future__ import annotations

from cni_hns.conformance.bench import Attachment, Bench
from cni_hns.conformance.configuration import IPAM
from cni_hns.conformance.findings import Finding, NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import interfaces
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_INVALID_VARIABLE = 4
_REQUIRED = '"Required environment parameters: CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME"'
_NO_INTERFACE = {IPAM: "an IPAM plugin makes no interface"}
_BAD_IDS = ("two words", ".hidden", "../outside", "-dash", "semi;colon")
_BAD_IFNAMES = ("with/slash", "with space", "..", "longer-than-any-system-takes-for-an-interface")


def _without(bench: Bench, command: str, names: list[str], attachment: Attachment | None = None) -> None:
    """Each of the variables unset, then empty, which is the same: the call must be refused."""
    wanted = attachment or bench.attachment()
    stdin = bench.request()
    for name in names:
        complete = bench.variables(command, wanted)
        unset = {key: value for key, value in complete.items() if key != name}
        for words, variables in (("without", unset), ("with an empty", {**complete, name: ""})):
            outcome = bench.call(variables, stdin)
            bench.refused(outcome, f"{command} {words} {name}", _INVALID_VARIABLE)


@check(
    "variables.command",
    MUST,
    "an unknown CNI_COMMAND is an error",
    section="section 2, Parameters and Errors",
    quote='CNI_COMMAND is one of the operations; "exit with a return code of 0 on success, and non-zero '
    'on failure"',
)
def command(bench: Bench) -> None:
    outcome = bench.call(bench.variables("FROB", bench.attachment()), bench.request())
    bench.refused(outcome, "CNI_COMMAND=FROB", _INVALID_VARIABLE)


@check(
    "variables.add-containerid",
    MUST,
    "ADD without CNI_CONTAINERID is an error",
    section="section 2, ADD and Parameters",
    quote=f'{_REQUIRED}; "Must not be empty"',
)
def add_containerid(bench: Bench) -> None:
    _without(bench, "ADD", ["CNI_CONTAINERID"])


@check(
    "variables.add-netns",
    MUST,
    "ADD without CNI_NETNS is an error",
    section="section 2, ADD",
    quote=_REQUIRED,
)
def add_netns(bench: Bench) -> None:
    _without(bench, "ADD", ["CNI_NETNS"])


@check(
    "variables.add-ifname",
    MUST,
    "ADD without CNI_IFNAME is an error",
    section="section 2, ADD",
    quote=_REQUIRED,
)
def add_ifname(bench: Bench) -> None:
    _without(bench, "ADD", ["CNI_IFNAME"])


@check(
    "variables.del-required",
    MUST,
    "DEL without CNI_CONTAINERID or CNI_IFNAME is an error",
    section="section 2, DEL",
    quote='"Required environment parameters: CNI_COMMAND, CNI_CONTAINERID, CNI_IFNAME"',
)
def del_required(bench: Bench) -> None:
    _without(bench, "DEL", ["CNI_CONTAINERID", "CNI_IFNAME"])


@check(
    "variables.check-required",
    MUST,
    "CHECK without CNI_CONTAINERID, CNI_NETNS or CNI_IFNAME is an error",
    section="section 2, CHECK",
    quote=_REQUIRED,
    since="0.4.0",
)
def check_required(bench: Bench) -> None:
    made = bench.added()
    complete = bench.variables("CHECK", made.attachment)
    for name in ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"):
        variables = {key: value for key, value in complete.items() if key != name}
        outcome = bench.call(variables, bench.request(prevResult=made.result))
        bench.refused(outcome, f"CHECK without {name}", _INVALID_VARIABLE)


@check(
    "variables.missing-named",
    MUST,
    "the error about missing variables names them",
    section="section 5, Error, code 4",
    quote='"The error message must contain the names of invalid variables"',
)
def missing_named(bench: Bench) -> None:
    complete = bench.variables("ADD", bench.attachment())
    missing = ("CNI_CONTAINERID", "CNI_IFNAME")
    outcome = bench.call({k: v for k, v in complete.items() if k not in missing}, bench.request())
    _must_name(bench, outcome, *missing)


def _must_name(bench: Bench, outcome: Outcome, *names: str) -> None:
    if outcome.ok:
        raise NotApplicable("the plugin did not refuse the call")
    if outcome.error_code != _INVALID_VARIABLE:
        raise NotApplicable("the plugin refused with another code than 4")
    unnamed = [name for name in names if name not in outcome.error_text]
    bench.must(not unnamed, f"the error of code 4 does not name {', '.join(unnamed)}", outcome)


@check(
    "variables.containerid-characters",
    MUST,
    "a CNI_CONTAINERID of other characters than the specification allows is refused",
    section="section 2, Parameters",
    quote='"Must start with an alphanumeric character, optionally followed by … alphanumeric '
    "characters, underscore, "
    'dot or hyphen"',
)
def containerid_characters(bench: Bench) -> None:
    complete = bench.variables("ADD", bench.attachment())
    for bad in _BAD_IDS:
        outcome = bench.call({**complete, "CNI_CONTAINERID": bad}, bench.request())
        bench.refused(outcome, f"CNI_CONTAINERID={bad!r}", _INVALID_VARIABLE)


@check(
    "variables.invalid-named",
    MUST,
    "the error about a variable with a wrong value names the variable",
    section="section 5, Error, code 4",
    quote='"The error message must contain the names of invalid variables"',
)
def invalid_named(bench: Bench) -> None:
    complete = bench.variables("ADD", bench.attachment())
    outcome = bench.call({**complete, "CNI_CONTAINERID": "no such id!"}, bench.request())
    _must_name(bench, outcome, "CNI_CONTAINERID")


@check(
    "variables.ifname-unusable",
    MUST,
    "a CNI_IFNAME that no system takes is refused, or used exactly as it is",
    section="section 2, Parameters",
    quote='"if the plugin is unable to use this interface name it must return an error"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def ifname_unusable(bench: Bench) -> None:
    attachment = bench.attachment()
    for odd in _BAD_IFNAMES:
        outcome = bench.add(Attachment(attachment.container, attachment.netns, odd))
        if outcome.ok and odd not in [one.get("name") for one in interfaces(outcome.document or {})]:
            raise Finding(f"CNI_IFNAME={odd!r} was accepted, but no interface has this name", outcome)


@check(
    "variables.args-unknown",
    SHOULD,
    "ADD and DEL take unknown CNI_ARGS where IgnoreUnknown=1 is among them, as containerd always sends it",
    section="section 2, Parameters; the key IgnoreUnknown is libcni's",
    quote='CNI_ARGS: "Extra arguments passed in by the user at invocation time"',
)
def args_unknown(bench: Bench) -> None:
    attachment = bench.attachment()
    pairs = {
        "IgnoreUnknown": "1",
        "K8S_POD_NAMESPACE": "default",
        "K8S_POD_NAME": "web-0",
        "K8S_POD_INFRA_CONTAINER_ID": attachment.container,
        "K8S_POD_UID": "0d0d3a50-1111-4222-8333-444455556666",
    }
    args = {"CNI_ARGS": ";".join(f"{key}={value}" for key, value in pairs.items())}
    outcome = bench.add(attachment, variables=args)
    bench.must(outcome.ok, "ADD with containerd's CNI_ARGS failed", outcome)
    outcome = bench.delete(attachment, variables=args)
    bench.must(outcome.ok, "DEL with containerd's CNI_ARGS failed", outcome)


@check(
    "variables.path-optional",
    SHOULD,
    "ADD works without CNI_PATH, unless the plugin has another one to run",
    section="section 2, ADD",
    quote='"Optional environment parameters: CNI_ARGS, CNI_PATH"',
)
def path_optional(bench: Bench) -> None:
    attachment = bench.attachment()
    outcome = bench.add(attachment, without="CNI_PATH")
    bench.must(outcome.ok, "ADD without CNI_PATH failed", outcome)


CHECKS = (
    command,
    add_containerid,
    add_netns,
    add_ifname,
    del_required,
    check_required,
    missing_named,
    containerid_characters,
    invalid_named,
    ifname_unusable,
    args_unknown,
    path_optional,
)
