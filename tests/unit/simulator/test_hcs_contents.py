"""What compute systems tell and take: properties, statistics, limits, processes, events."""

from __future__ import annotations

import json
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from cni_hns.binding._generated_computecore import ffi
from tests.unit.simulator.hcs_caller import (
    ALL,
    ALREADY_STOPPED,
    ELEMENT_NOT_FOUND,
    INVALID_ARGUMENT,
    INVALID_JSON,
    LONG_MS,
    NOT_IMPLEMENTED,
    NOT_SUPPORTED,
    OPERATION_TIMEOUT,
    PROCESS_STOPPED,
    WRONG_STATE,
    HcsCaller,
    Told,
    container,
    machine,
)

SECOND = 10_000_000
INFINITE = 0xFFFFFFFF
SYSTEM_EXITED = 1
PROCESS_EXITED = 0x00010000
SERVICE_DISCONNECT = 0x02000000


@pytest.fixture
def box(hcs: HcsCaller) -> Any:
    """A container that runs, and is ended at the end of the test."""
    handle = hcs.running("box")
    yield handle
    hcs.code("HcsTerminateComputeSystem", handle)
    hcs.close(handle)


class TestProperties:
    @pytest.mark.usefixtures("box")
    def test_a_query_selects_by_each_of_its_lists(self, hcs: HcsCaller) -> None:
        vm = hcs.create("vm", {**machine(), "Owner": "Other"})
        rows: list[tuple[object, list[str]]] = [
            (None, ["box", "vm"]),
            ({}, ["box", "vm"]),
            ({"Ids": ["vm", "nobody"]}, ["vm"]),
            ({"Names": ["box"]}, ["box"]),
            ({"Names": []}, ["box", "vm"]),
            ({"Ids": ["VM"]}, ["vm"]),
            ({"types": ["container"]}, ["box"]),
            ({"Owners": ["other"], "Types": ["VirtualMachine"]}, ["vm"]),
            ({"Owners": ["other"], "Types": ["Container"]}, []),
        ]
        for query, found in rows:
            assert [one["Id"] for one in hcs.systems(query)] == found, query
        hcs.ask("HcsTerminateComputeSystem", vm)
        hcs.close(vm)

    @pytest.mark.parametrize("query", ["{", {"Ids": "box"}, {"Ids": [1]}])
    def test_a_query_that_cannot_be_read(self, hcs: HcsCaller, query: object) -> None:
        with pytest.raises(Told) as caught:
            hcs.systems(query)
        assert caught.value.hresult == INVALID_JSON

    def test_without_a_query_they_are_the_basic_ones(self, hcs: HcsCaller, box: Any) -> None:
        found = hcs.properties(box)
        assert found.pop("RuntimeId")
        assert found == {
            "Id": "box",
            "Name": "box",
            "SystemType": "Container",
            "RuntimeOsType": "Windows",
            "Owner": "test",
            "State": "Running",
        }

    def test_one_query_names_several(self, hcs: HcsCaller, box: Any) -> None:
        found = hcs.properties(box, "Statistics", "processlist", "TerminateOnLastHandleClosed")
        assert {"Statistics", "ProcessList", "Id"} <= set(found)
        assert found["TerminateOnLastHandleClosed"] is False

    @pytest.mark.parametrize("name", ["Memory", "GuestConnection", "SharedMemoryRegion"])
    def test_of_a_virtual_machine_a_container_has_none(self, hcs: HcsCaller, box: Any, name: str) -> None:
        assert hcs.code("HcsGetComputeSystemProperties", box, {"PropertyTypes": [name]}) == NOT_SUPPORTED

    def test_one_that_nobody_knows(self, hcs: HcsCaller, box: Any) -> None:
        assert hcs.code("HcsGetComputeSystemProperties", box, {"PropertyTypes": ["Mood"]}) == INVALID_JSON

    @pytest.mark.parametrize("name", ["Statistics", "ProcessList"])
    def test_only_what_runs_is_counted(self, hcs: HcsCaller, name: str) -> None:
        query = {"PropertyTypes": [name]}
        new = hcs.create("new", container())
        assert hcs.code("HcsGetComputeSystemProperties", new, query) == WRONG_STATE
        hcs.ask("HcsTerminateComputeSystem", new)
        assert hcs.code("HcsGetComputeSystemProperties", new, query) == ALREADY_STOPPED
        hcs.close(new)
        vm = hcs.running("vm", machine())
        assert hcs.code("HcsGetComputeSystemProperties", vm, query) == NOT_IMPLEMENTED
        hcs.ask("HcsTerminateComputeSystem", vm)
        hcs.close(vm)


class TestStatistics:
    def test_move_with_the_time(self, hcs: HcsCaller, box: Any) -> None:
        before = hcs.properties(box, "Statistics")["Statistics"]
        hcs.simulator.let_pass(100)
        now = hcs.properties(box, "Statistics")["Statistics"]
        assert now["Uptime100ns"] - before["Uptime100ns"] >= 100 * SECOND
        # Five processes, each a fiftieth of a processor.
        used = now["Processor"]["TotalRuntime100ns"] - before["Processor"]["TotalRuntime100ns"]
        assert used >= 10 * SECOND - 5
        assert now["Storage"]["ReadSizeBytes"] - before["Storage"]["ReadSizeBytes"] >= 100 << 16
        assert now["Timestamp"] > before["Timestamp"]
        assert now["ContainerStartTime"] == before["ContainerStartTime"]

    def test_the_parts_of_the_processors_time_are_its_sum(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.let_pass(7)
        found = hcs.properties(box, "Statistics")["Statistics"]["Processor"]
        assert found["TotalRuntime100ns"] == found["RuntimeUser100ns"] + found["RuntimeKernel100ns"] > 0

    def memory(self, hcs: HcsCaller, box: Any) -> dict[str, int]:
        found: dict[str, int] = hcs.properties(box, "Statistics")["Statistics"]["Memory"]
        return found

    def test_a_process_needs_memory_and_the_peak_outlives_it(self, hcs: HcsCaller, box: Any) -> None:
        before = self.memory(hcs, box)
        process, _ = hcs.process(box, {"CommandLine": "ping.exe"})
        most = self.memory(hcs, box)
        assert most["MemoryUsageCommitBytes"] - before["MemoryUsageCommitBytes"] >= 8 << 20
        hcs.ask("HcsTerminateProcess", process)
        now = self.memory(hcs, box)
        assert now["MemoryUsageCommitBytes"] < most["MemoryUsageCommitBytes"]
        assert now["MemoryUsageCommitPeakBytes"] >= most["MemoryUsageCommitPeakBytes"]
        hcs.function("HcsCloseProcess")(process)

    def test_memory_grows_with_the_time_and_ends_at_the_limit(self, hcs: HcsCaller, box: Any) -> None:
        limit = 80 << 20
        before = self.memory(hcs, box)
        hcs.simulator.let_pass(10)
        now = self.memory(hcs, box)
        assert all(now[name] > value for name, value in before.items())
        assert hcs.modify(box, "Container/Memory/SizeInMB", 80) == 0
        hcs.simulator.let_pass(3600)
        now = self.memory(hcs, box)
        assert limit - 5 <= now["MemoryUsageCommitBytes"] <= limit
        assert now["MemoryUsageCommitPeakBytes"] == now["MemoryUsageCommitBytes"]
        assert now["MemoryUsagePrivateWorkingSetBytes"] < now["MemoryUsageCommitBytes"]

    def test_a_lower_limit_takes_memory_away_and_the_peak_stays(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.let_pass(60)
        before = self.memory(hcs, box)
        assert hcs.modify(box, "Container/Memory/SizeInMB", 16) == 0
        now = self.memory(hcs, box)
        assert now["MemoryUsageCommitBytes"] <= 16 << 20
        assert now["MemoryUsageCommitPeakBytes"] >= before["MemoryUsageCommitBytes"]

    def test_memory_does_not_grow_for_ever_without_a_limit(self, hcs: HcsCaller) -> None:
        free = hcs.running("free", {**container(), "Container": {}})
        hcs.simulator.let_pass(10**6)
        before = self.memory(hcs, free)
        hcs.simulator.let_pass(10**6)
        assert self.memory(hcs, free) == before
        hcs.ask("HcsTerminateComputeSystem", free)
        hcs.close(free)

    @pytest.mark.parametrize("paused", ["box", "vm", "both"])
    def test_what_is_paused_uses_nothing(self, hcs: HcsCaller, paused: str) -> None:
        vm = hcs.running("vm", machine())
        box = hcs.running("box", {**container(), "HostingSystemId": "vm"})
        handles = {"box": [box], "vm": [vm], "both": [vm, box]}[paused]
        hcs.simulator.let_pass(100)
        for one in handles:
            hcs.ask("HcsPauseComputeSystem", one)
        before = hcs.properties(box, "Statistics", "ProcessList")
        hcs.simulator.let_pass(1000)
        now = hcs.properties(box, "Statistics", "ProcessList")
        for part in ("Processor", "Memory", "Storage"):
            assert now["Statistics"][part] == before["Statistics"][part]
        assert now["ProcessList"] == before["ProcessList"]
        assert now["Statistics"]["Uptime100ns"] - before["Statistics"]["Uptime100ns"] >= 1000 * SECOND
        for one in handles:
            hcs.ask("HcsResumeComputeSystem", one)
        hcs.simulator.let_pass(100)
        used = hcs.properties(box, "Statistics")["Statistics"]["Processor"]["TotalRuntime100ns"]
        # Five processes, each a fiftieth of a processor, for twice 100 seconds; the pauses are no part of it.
        assert 20 * SECOND - 10 <= used < 100 * SECOND
        hcs.ask("HcsTerminateComputeSystem", vm)
        hcs.close(box)
        hcs.close(vm)

    def test_the_processes_have_what_the_container_has(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.let_pass(10**6)
        assert hcs.modify(box, "Container/Memory/SizeInMB", 80) == 0
        listed = hcs.properties(box, "ProcessList")["ProcessList"]
        told = self.memory(hcs, box)["MemoryUsageCommitBytes"]
        assert sum(one["MemoryCommitBytes"] for one in listed) == told
        for one in listed:
            assert 0 < one["MemoryWorkingSetSharedBytes"] < one["MemoryWorkingSetPrivateBytes"]

    def test_times_are_written_as_hcs_writes_them(self, hcs: HcsCaller, box: Any) -> None:
        found = hcs.properties(box, "Statistics")["Statistics"]
        assert len(found["Timestamp"]) == len("2026-11-28T21:53:03.7179120Z")
        assert found["Timestamp"].endswith("Z")


class TestLimits:
    def resources(self, hcs: HcsCaller) -> Any:
        return hcs.simulator.dump()["systems"][0]["resources"]

    def test_are_those_of_the_document_until_they_are_changed(self, hcs: HcsCaller, box: Any) -> None:
        assert self.resources(hcs) == {"Memory": {"SizeInMB": 512}}
        assert hcs.modify(box, "Container/Memory/SizeInMB", 1024) == 0
        assert hcs.modify(box, "container/processor", {"Maximum": 2500, "Count": 0, "Weight": 0}) == 0
        assert self.resources(hcs) == {"Memory": {"SizeInMB": 1024}, "Processor": {"Maximum": 2500}}

    def test_a_count_is_capped_at_the_nodes_processors(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.set_options(processors=2)
        assert hcs.modify(box, "Container/Processor", {"Count": 64}) == 0
        assert self.resources(hcs)["Processor"] == {"Count": 2}

    @pytest.mark.parametrize(
        ("path", "settings", "hresult"),
        [
            ("Container/Processor", {"Count": 1, "Weight": 1}, INVALID_ARGUMENT),
            ("Container/Processor", {}, INVALID_ARGUMENT),
            ("Container/Processor", {"Maximum": 10_001}, INVALID_ARGUMENT),
            ("Container/Processor", {"Maximum": "1"}, INVALID_JSON),
            ("Container/Processor", 3, INVALID_JSON),
            ("Container/Memory/SizeInMB", 0, INVALID_ARGUMENT),
            ("Container/Memory/SizeInMB", {"SizeInMB": 2}, INVALID_JSON),
            ("Container/Mood", {}, INVALID_ARGUMENT),
            ("VirtualMachine/ComputeTopology/Memory/SizeInMB", 2, NOT_SUPPORTED),
        ],
    )
    def test_wrong_ones_change_nothing(
        self, hcs: HcsCaller, box: Any, path: str, settings: object, hresult: int
    ) -> None:
        assert hcs.modify(box, path, settings) == hresult
        assert self.resources(hcs) == {"Memory": {"SizeInMB": 512}}

    @pytest.mark.parametrize(
        ("request_", "hresult"),
        [
            ("{", INVALID_JSON),
            ({"ResourcePath": "Container/Processor", "RequestType": "Add", "Settings": {}}, INVALID_ARGUMENT),
            ({"ResourcePath": "Container/Processor", "RequestType": "Reset"}, INVALID_JSON),
            ({"ResourceType": "Network", "RequestType": "Add", "Settings": "x"}, NOT_SUPPORTED),
            ({"GuestRequest": {}}, NOT_SUPPORTED),
        ],
    )
    def test_requests_that_a_container_does_not_take(
        self, hcs: HcsCaller, box: Any, request_: object, hresult: int
    ) -> None:
        text, function = hcs.wide(request_), hcs.function("HcsModifyComputeSystem")
        with pytest.raises(Told) as caught:
            hcs.run("HcsModifyComputeSystem", lambda operation: int(function(box, operation, text, ffi.NULL)))
        assert caught.value.hresult == hresult

    def test_an_old_build_does_not_change_them(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.set_options(windows_build=19041)
        assert hcs.modify(box, "Container/Processor", {"Count": 1}) == NOT_SUPPORTED
        assert hcs.modify(box, "Container/MappedPipes", {"HostPath": "p"}, "Add") == 0
        hcs.simulator.set_options(windows_build=19042)
        assert hcs.modify(box, "Container/Processor", {"Count": 1}) == 0

    def test_only_what_runs_is_changed(self, hcs: HcsCaller) -> None:
        new = hcs.create("new", container())
        assert hcs.modify(new, "Container/Processor", {"Count": 1}) == WRONG_STATE
        hcs.ask("HcsTerminateComputeSystem", new)
        assert hcs.modify(new, "Container/Processor", {"Count": 1}) == ALREADY_STOPPED
        hcs.close(new)

    def test_a_folder_is_mapped_and_taken_away(self, hcs: HcsCaller, box: Any) -> None:
        folder = {"HostPath": "C:\\data", "ContainerPath": "C:\\Data"}
        assert hcs.modify(box, "Container/MappedDirectories", folder, "Add") == 0
        assert self.resources(hcs)["MappedDirectories"] == [folder]
        gone = {"containerPath": "c:\\data"}
        assert hcs.modify(box, "Container/MappedDirectories", gone, "Remove") == 0
        assert self.resources(hcs)["MappedDirectories"] == []
        assert hcs.modify(box, "Container/MappedDirectories", gone, "Remove") == ELEMENT_NOT_FOUND


class TestProcesses:
    def status(self, hcs: HcsCaller, process: Any) -> Any:
        return json.loads(hcs.ask("HcsGetProcessProperties", process))

    def test_every_container_has_those_of_windows(self, hcs: HcsCaller, box: Any) -> None:
        found = hcs.properties(box, "ProcessList")["ProcessList"]
        assert "smss.exe" in [one["ImageName"] for one in found]
        assert len({one["ProcessId"] for one in found}) == len(found)

    @pytest.mark.parametrize(
        ("parameters", "image"),
        [
            ({"CommandLine": "ping -t 10.0.0.1"}, "ping.exe"),
            ({"CommandLine": '"C:\\Program Files\\a b.exe" x'}, "a b.exe"),
            ({"ApplicationName": "C:\\x\\run.exe", "CommandLine": "other y"}, "run.exe"),
        ],
    )
    def test_a_new_one_is_in_the_list(self, hcs: HcsCaller, box: Any, parameters: object, image: str) -> None:
        process, pid = hcs.process(box, parameters)
        found = hcs.properties(box, "ProcessList")["ProcessList"]
        assert {one["ProcessId"]: one["ImageName"] for one in found}[pid] == image
        assert self.status(hcs, process) == {
            "ProcessId": pid,
            "Exited": False,
            "ExitCode": 0,
            "LastWaitResult": 0,
        }
        hcs.function("HcsCloseProcess")(process)

    @pytest.mark.parametrize(
        ("parameters", "hresult"),
        [
            ({}, INVALID_ARGUMENT),
            ({"CommandLine": " "}, INVALID_ARGUMENT),
            ("{", INVALID_JSON),
        ],
    )
    def test_one_that_cannot_be(self, hcs: HcsCaller, box: Any, parameters: object, hresult: int) -> None:
        with pytest.raises(Told) as caught:
            hcs.process(box, parameters)
        assert caught.value.hresult == hresult

    def test_one_is_there_though_the_wait_for_it_failed(self, hcs: HcsCaller, box: Any) -> None:
        """As seen on Windows Server 2022: the handle is good, and tells the id."""
        hcs.simulator.inject(function="HcsCreateProcess", hresult=INVALID_ARGUMENT, took_effect=True)
        slot, parameters = ffi.new("HCS_PROCESS *"), hcs.wide({"CommandLine": "cmd"})
        create = hcs.function("HcsCreateProcess")
        with pytest.raises(Told):
            hcs.run(
                "HcsCreateProcess",
                lambda operation: int(create(box, parameters, operation, ffi.NULL, slot)),
            )
        information: Any = ffi.new("HCS_PROCESS_INFORMATION *")
        operation = hcs.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        assert hcs.function("HcsGetProcessInfo")(slot[0], operation) == 0
        wait = hcs.function("HcsWaitForOperationResultAndProcessInfo")
        assert wait(operation, LONG_MS, information, ffi.NULL) == 0
        hcs.function("HcsCloseOperation")(operation)
        assert information.ProcessId == self.status(hcs, slot[0])["ProcessId"]
        hcs.function("HcsCloseProcess")(slot[0])

    def test_one_needs_a_running_system(self, hcs: HcsCaller) -> None:
        new = hcs.create("new", container())
        with pytest.raises(Told) as caught:
            hcs.process(new, {"CommandLine": "cmd"})
        assert caught.value.hresult == WRONG_STATE
        hcs.ask("HcsTerminateComputeSystem", new)
        hcs.close(new)

    @pytest.mark.parametrize(
        ("what", "options", "exit_code"),
        [("HcsTerminateProcess", None, 1067), ("HcsSignalProcess", {"Signal": "ctrlbreak"}, 0xC000013A)],
    )
    def test_one_is_ended_once(
        self, hcs: HcsCaller, box: Any, what: str, options: object, exit_code: int
    ) -> None:
        process, pid = hcs.process(box, {"CommandLine": "cmd"})
        hcs.ask(what, process, options)
        found = hcs.exit_of("HcsWaitForProcessExit", process)
        assert (found["ProcessId"], found["ExitCode"]) == (pid, exit_code)
        assert hcs.code("HcsTerminateProcess", process) == PROCESS_STOPPED
        assert hcs.code("HcsSignalProcess", process) == PROCESS_STOPPED
        hcs.function("HcsCloseProcess")(process)

    def test_a_signal_that_nobody_knows(self, hcs: HcsCaller, box: Any) -> None:
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        assert hcs.code("HcsSignalProcess", process, {"Signal": "SIGTERM"}) == INVALID_JSON
        assert not self.status(hcs, process)["Exited"]
        hcs.function("HcsCloseProcess")(process)

    def test_the_console_of_one_is_given_a_size(self, hcs: HcsCaller, box: Any) -> None:
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        size = {"Operation": "ConsoleSize", "ConsoleSize": {"Height": 25, "Width": 80}}
        assert hcs.code("HcsModifyProcess", process, size) == 0
        size["ConsoleSize"] = {"Height": 65536, "Width": 80}
        assert hcs.code("HcsModifyProcess", process, size) == INVALID_JSON
        hcs.function("HcsCloseProcess")(process)

    def test_one_is_opened_by_its_id_while_it_runs(self, hcs: HcsCaller, box: Any) -> None:
        process, pid = hcs.process(box, {"CommandLine": "cmd"})
        slot = ffi.new("HCS_PROCESS *")
        open_ = hcs.function("HcsOpenProcess")
        assert open_(box, pid, ALL, slot) == 0
        assert self.status(hcs, slot[0])["ProcessId"] == pid
        hcs.function("HcsCloseProcess")(slot[0])
        hcs.simulator.exit_process("box", pid, 3)
        assert open_(box, pid, ALL, slot) & 0xFFFFFFFF == ELEMENT_NOT_FOUND
        assert self.status(hcs, process)["ExitCode"] == 3
        hcs.function("HcsCloseProcess")(process)

    def test_the_end_of_the_container_ends_them(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        hcs.ask("HcsTerminateComputeSystem", box)
        assert hcs.exit_of("HcsWaitForProcessExit", process)["ExitCode"] == 1067
        hcs.function("HcsCloseProcess")(process)
        hcs.close(box)

    def test_a_wait_for_one_that_runs_on(self, hcs: HcsCaller, box: Any) -> None:
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        with pytest.raises(Told) as caught:
            hcs.exit_of("HcsWaitForProcessExit", process, 1)
        assert caught.value.hresult == OPERATION_TIMEOUT
        hcs.function("HcsCloseProcess")(process)


class TestEvents:
    def test_a_wait_for_the_exit_ends_with_it(self, hcs: HcsCaller, box: Any) -> None:
        hcs.function("HcsWaitForComputeSystemExit")
        found: SimpleQueue[Any] = SimpleQueue()
        arguments = ("HcsWaitForComputeSystemExit", box, INFINITE)
        waiting = threading.Thread(target=lambda: found.put(hcs.exit_of(*arguments)))
        waiting.start()
        while not any(call.function == arguments[0] for call in hcs.simulator.journal()):
            waiting.join(0.01)
        assert found.empty()
        hcs.simulator.crash_container("box")
        assert found.get(timeout=60)["ExitType"] == "UnexpectedExit"
        waiting.join()

    def test_each_process_hears_by_its_own_handle(self, hcs: HcsCaller, box: Any) -> None:
        other = HcsCaller(hcs.simulator)
        seen = other.open("box")
        here = hcs.events("HcsSetComputeSystemCallback", box)
        there = other.events("HcsSetComputeSystemCallback", seen)
        hcs.ask("HcsTerminateComputeSystem", box)
        assert here.get(timeout=60) == there.get(timeout=60)
        other.close(seen)
        other.libraries.close()

    def test_a_system_tells_its_exit_and_a_process_its_own(self, hcs: HcsCaller, box: Any) -> None:
        of_system = hcs.events("HcsSetComputeSystemCallback", box)
        process, pid = hcs.process(box, {"CommandLine": "cmd"})
        of_process = hcs.events("HcsSetProcessCallback", process)
        hcs.simulator.exit_process("box", pid, 5)
        code, document = of_process.get(timeout=60)
        assert (code, document["ExitCode"]) == (PROCESS_EXITED, 5)
        hcs.ask("HcsShutDownComputeSystem", box)
        code, document = of_system.get(timeout=60)
        assert (code, document["ExitType"]) == (SYSTEM_EXITED, "GracefulExit")
        assert of_system.empty()
        assert of_process.empty()
        hcs.function("HcsCloseProcess")(process)

    def test_what_happened_before_is_not_told(self, hcs: HcsCaller, box: Any) -> None:
        hcs.ask("HcsTerminateComputeSystem", box)
        told = hcs.events("HcsSetComputeSystemCallback", box)
        hcs.simulator.restart_hcs()
        assert told.get(timeout=60) == (SERVICE_DISCONNECT, None)

    def test_nothing_is_told_of_a_closed_handle(self, hcs: HcsCaller, box: Any) -> None:
        other = hcs.open("box")
        closed = hcs.events("HcsSetComputeSystemCallback", other)
        told = hcs.events("HcsSetComputeSystemCallback", box)
        hcs.close(other)
        hcs.ask("HcsTerminateComputeSystem", box)
        assert told.get(timeout=60)[0] == SYSTEM_EXITED
        assert closed.empty()

    def test_a_handle_has_one_callback(self, hcs: HcsCaller, box: Any) -> None:
        set_callback, other = hcs.function("HcsSetComputeSystemCallback"), ffi.callback("HCS_EVENT_CALLBACK")
        hcs.events("HcsSetComputeSystemCallback", box)
        second = other(lambda _event, _context: None)
        assert set_callback(box, 0, ffi.NULL, second) & 0xFFFFFFFF == 0x80370119
        assert set_callback(box, 0, ffi.NULL, ffi.NULL) == 0
        assert set_callback(box, 0, ffi.NULL, second) == 0
        assert set_callback(box, 0, ffi.NULL, ffi.NULL) == 0

    def test_it_is_another_thread_that_tells(self, hcs: HcsCaller, box: Any) -> None:
        threads = []
        done = threading.Event()

        @ffi.callback("HCS_EVENT_CALLBACK")
        def callback(_event: Any, context: Any) -> None:
            threads.append((threading.get_ident(), int(ffi.cast("uintptr_t", context))))
            done.set()

        hcs.function("HcsSetComputeSystemCallback")(box, 0, ffi.cast("void *", 7), callback)
        hcs.ask("HcsTerminateComputeSystem", box)
        assert done.wait(60)
        ((thread, context),) = threads
        assert (thread != threading.get_ident(), context) == (True, 7)
