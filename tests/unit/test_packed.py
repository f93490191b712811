"""The built program's modules come from one file."""

from __future__ import annotations

import _frozen_importlib
import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

import pytest

from cni_hns import packed
from cni_hns.packed import FILE, ImportLock, PackedModules, pack

SOURCES = {
    "packed_one": ("value = 1", False),
    "packed_package": ("from packed_package.inner import value", True),
    "packed_package.inner": ("value = [2]", False),
    "packed_broken": ("raise ValueError('while it loads')", False),
    "packed_waiting": (
        f"from {__name__} import go_on, half_loaded\nhalf_loaded.set()\ngo_on.wait(30)\nfinished = True",
        False,
    ),
}

# Of the module `packed_waiting`: it is half loaded, and it may go on.
half_loaded, go_on = threading.Event(), threading.Event()


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[PackedModules]:
    code = {
        name: (compile(source, f"{name}.py", "exec"), package) for name, (source, package) in SOURCES.items()
    }
    pack(str(tmp_path / FILE), code, {"packed_package.native": "packed_package/native.so"})
    found = PackedModules(str(tmp_path), "/")
    sys.meta_path.insert(0, found)
    yield found
    sys.meta_path.remove(found)
    found.close()
    for name in SOURCES:
        sys.modules.pop(name, None)


def test_a_module_is_loaded_with_its_file_in_the_folder(modules: PackedModules, tmp_path: Path) -> None:
    loaded = importlib.import_module("packed_one")
    assert (loaded.value, loaded.__file__) == (1, str(tmp_path / "packed_one.pyc"))


def test_a_package_finds_what_is_in_it(modules: PackedModules, tmp_path: Path) -> None:
    package = importlib.import_module("packed_package")
    assert package.value == [2]
    assert list(package.__path__) == [str(tmp_path / "packed_package")]


def test_an_extension_module_is_the_file_of_the_folder(modules: PackedModules, tmp_path: Path) -> None:
    spec = modules.find_spec("packed_package.native")
    assert spec is not None
    assert isinstance(spec.loader, ExtensionFileLoader)
    assert spec.origin == str(tmp_path / "packed_package" / "native.so")


def test_another_module_is_left_to_python(modules: PackedModules) -> None:
    assert modules.find_spec("packed_one.inner") is None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("packed_nowhere")


def test_a_module_that_fails_to_load_is_not_kept(modules: PackedModules) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="while it loads"):
            importlib.import_module("packed_broken")
    assert "packed_broken" not in sys.modules


def test_threads_load_at_the_same_time(modules: PackedModules) -> None:
    names = ["packed_one", "packed_package.inner"]
    wrong = []

    def load(name: str) -> None:
        for _ in range(200):
            fresh = importlib.util.module_from_spec(modules.find_spec(name))  # type: ignore[arg-type]
            modules.exec_module(fresh)
            if fresh.value not in (1, [2]):
                wrong.append(name)

    threads = [threading.Thread(target=load, args=(name,)) for name in names * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_names_lists_modules_and_extensions(modules: PackedModules) -> None:
    assert set(modules.names) == {*SOURCES, "packed_package.native"}


class TestTheImportLock:
    """One lock for all modules does what one for each does."""

    @pytest.fixture(autouse=True)
    def _installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_frozen_importlib, "_ModuleLock", ImportLock)

    def test_importlib_takes_it_for_every_module(self) -> None:
        assert isinstance(_frozen_importlib._get_module_lock("packed_one"), ImportLock)  # type: ignore[attr-defined]

    def test_a_module_may_import_another_while_it_is_loaded(self, modules: PackedModules) -> None:
        assert importlib.import_module("packed_package").value == [2]

    def test_no_thread_sees_a_module_that_is_half_loaded(self, modules: PackedModules) -> None:
        seen = []

        def load() -> None:
            seen.append(importlib.import_module("packed_waiting").finished)

        first = threading.Thread(target=load)
        first.start()
        assert half_loaded.wait(30)
        second = threading.Thread(target=load)
        second.start()
        second.join(0.1)  # time to go wrong: it has to wait for the first
        go_on.set()
        first.join(30)
        second.join(30)
        assert seen == [True, True]

    def test_it_is_free_after_a_module_that_fails(self, modules: PackedModules) -> None:
        with pytest.raises(ValueError, match="while it loads"):
            importlib.import_module("packed_broken")
        loaded: list[object] = []
        thread = threading.Thread(target=lambda: loaded.append(importlib.import_module("packed_one").value))
        thread.start()
        thread.join(30)
        assert loaded == [1]


def test_the_built_program_begins_by_taking_over_the_imports(tmp_path: Path) -> None:
    """The file run as the built program runs it, in an interpreter of its own."""
    code = {name: (compile(source, name, "exec"), package) for name, (source, package) in SOURCES.items()}
    pack(str(tmp_path / FILE), code, {})
    begin = (
        "import sys, _frozen_importlib as importlib\n"
        f"sys._MEIPASS = {str(tmp_path)!r}\n"
        f"exec(compile(open({packed.__file__!r}).read(), 'packed', 'exec'), {{'__name__': '__main__'}})\n"
        "from packed_package import value\n"
        "print(value, sys.frozen, importlib._get_module_lock('any').__class__.__name__, len(sys.meta_path))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["[2]", "True", "ImportLock", "3"], "")
