"""A node on which pods come and go while the doctor looks: what is under way is no finding."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.behaviour.pod import Pod
from tests.harness import Answer, SimulatedNode
from tests.unit.doctor.conftest import Patient

PODS, AT_ONCE = 110, 4
SUBNET = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]}


def done(command: str, pod: Pod) -> Answer:
    """One verb in a process of its own, as containerd starts it."""
    answer = pod.node.process(command, pod.config, pod.container, pod.namespace)
    assert answer.exit_code == 0, f"{command}: {answer.words}"
    return answer


def comes(patient: Patient, number: int) -> Pod:
    """A pod whose container starts; each fifth fails to, and is deleted."""
    pod = Pod(patient.node, ipam=SUBNET)
    pod.result = done("ADD", pod).document
    if number % 5:
        patient.simulator.start_container(pod.namespace, pod.container)
    else:
        done("DEL", pod)
        patient.simulator.remove(pod.namespace)
    return pod


@pytest.mark.in_process("it tries the doctor; its verbs are processes, of the module")
@pytest.mark.timeout(600)
def test_none_is_found_while_processes_add_110_pods(node: SimulatedNode) -> None:
    """HNS takes its time over the endpoints: what it had said of the namespaces is old by then."""
    patient = Patient(node)
    patient.pod()
    patient.simulator.inject(function="HcnEnumerateEndpoints", latency_s=0.2, count=0)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        coming = [pool.submit(comes, patient, number) for number in range(PODS)]
        try:
            while not all(one.done() for one in coming):
                seen = patient.visit("--timeout", "60")
                assert (seen.exit_code, seen.findings) == (0, []), seen
        finally:
            for one in coming:
                one.cancel()
    pods = [one.result() for one in coming]
    assert patient.visit().findings == []
    stay = [pod for number, pod in enumerate(pods) if number % 5]
    assert {row.key.container_id for row in patient.node.rows()} > {pod.container for pod in stay}
    assert len({pod.address for pod in stay}) == len(stay)
