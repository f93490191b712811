"""Make the image of the HostProcess containers: an OCI layout for windows/amd64.

Usage: image.py DIST OUT

DIST is what build.spec made on Windows. OUT appears: a folder with an image named by the program's version,
for `skopeo copy oci:OUT:VERSION docker://...`. One build always gives the same bytes. Needs umoci; no Docker
and no registry.

The image is as one of Microsoft's base image for HostProcess containers: first a layer with the registry
hives that Windows looks at before it takes a base layer, and nothing else; then the program. It names no
version of Windows: a HostProcess container runs on each.

Sources: https://github.com/microsoft/windows-host-process-containers-base-image, and what go-winio and
hcsshim read of a layer: https://github.com/microsoft/go-winio/blob/main/backuptar/tar.go
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from empty_hive import empty_hive

ROOT = Path(__file__).parent.parent
HIVES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
# In a layer's tar the one is the root of the volume; the other has what the layer changes in the registry.
VOLUME, HIVES_FOLDER = "Files", "Hives"
# The date of nothing: every date is this one.
DATE, SECONDS = "2020-01-01T00:00:00Z", 1_577_836_800

FOLDER, FILE = "16", "32"  # FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_ARCHIVE
SYSTEM, ADMINISTRATORS, USERS = (5, 18), (5, 32, 544), (5, 32, 545)
ALL, READ_AND_RUN = 0x1F01FF, 0x1200A9
HANDED_DOWN = 0x01 | 0x02  # to files and folders in it
ACL_REVISION, ALLOWED = 2, 0
# Self-relative; there is a list, and the parent adds nothing to it.
CONTROL = 0x8000 | 0x0004 | 0x1000


def main() -> int:
    dist, out = map(Path, sys.argv[1:])
    (contents,) = dist.glob("cni-hns-folder/_cni_hns-*")
    version = json.loads((contents / "layout.json").read_text(encoding="utf-8"))["version"]
    with tempfile.TemporaryDirectory() as folder:
        base, program = Path(folder, "base.tar"), Path(folder, "program.tar")
        write_layer(base, hives())
        write_layer(program, files_of(dist, contents), HIVES_FOLDER)
        make_image(out, version, [base, program])
    print(f"{out}:{version}: {sum(one.stat().st_size for one in out.rglob('*') if one.is_file())} bytes")
    return 0


def hives() -> dict[str, bytes]:
    """Windows Server 2025 takes no empty files for them any more."""
    rights = security(is_folder=True)
    return {f"Windows/System32/config/{name}": empty_hive(name, rights) for name in HIVES}


def files_of(dist: Path, contents: Path) -> dict[str, bytes]:
    """What `cni-hns install` lays down, and runs from, and what it consists of."""
    found = {f"{contents.name}/{path}": file for path, file in _below(contents)}
    found["cni-hns.exe"] = dist / "cni-hns-folder" / "cni-hns.exe"
    found["cni-hns.cdx.json"] = dist / "cni-hns.cdx.json"
    found["LICENSE"] = ROOT / "LICENSE"
    return {path: file.read_bytes() for path, file in found.items()}


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def write_layer(target: Path, files: dict[str, bytes], *others: str) -> None:
    """A tar as Windows' layers are: each folder before what is in it, each entry with its rights."""
    folders = {parent.as_posix() for path in files for parent in Path(VOLUME, path).parents}
    folders |= set(others)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as layer:
        for folder in sorted(folders - {"."}):
            layer.addfile(_entry(folder, is_folder=True))
        for path, content in sorted(files.items()):
            entry = _entry(f"{VOLUME}/{path}", is_folder=False)
            entry.size = len(content)
            layer.addfile(entry, io.BytesIO(content))


def _entry(name: str, *, is_folder: bool) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE if is_folder else tarfile.REGTYPE
    entry.mode = 0o755 if is_folder or name.endswith((".exe", ".dll", ".pyd")) else 0o644
    entry.mtime = SECONDS
    entry.pax_headers = {
        "MSWINDOWS.fileattr": FOLDER if is_folder else FILE,
        "MSWINDOWS.rawsd": base64.b64encode(security(is_folder=is_folder)).decode(),
        "LIBARCHIVE.creationtime": str(SECONDS),
    }
    return entry


def security(*, is_folder: bool) -> bytes:
    """SYSTEM and administrators may do all, everybody else reads and runs; nothing is taken from the parent.

    https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/7d4dac05-9cef-4563-a058-f108abecce1d
    """
    flags = HANDED_DOWN if is_folder else 0
    entries = b"".join(
        _allowed(flags, rights, who)
        for who, rights in ((SYSTEM, ALL), (ADMINISTRATORS, ALL), (USERS, READ_AND_RUN))
    )
    acl = struct.pack("<BBHHH", ACL_REVISION, 0, 8 + len(entries), 3, 0) + entries
    owner, group = _sid(ADMINISTRATORS), _sid(SYSTEM)
    group_at = 20 + len(owner)
    head = struct.pack("<BBHIIII", 1, 0, CONTROL, 20, group_at, 0, group_at + len(group))
    return head + owner + group + acl


def _allowed(flags: int, rights: int, who: tuple[int, ...]) -> bytes:
    sid = _sid(who)
    return struct.pack("<BBHI", ALLOWED, flags, 8 + len(sid), rights) + sid


def _sid(numbers: tuple[int, ...]) -> bytes:
    authority, *rest = numbers
    return struct.pack("BB", 1, len(rest)) + authority.to_bytes(6) + struct.pack(f"<{len(rest)}I", *rest)


def make_image(out: Path, version: str, layers: list[Path]) -> None:
    """The layout with the one image, of these layers; what was there is replaced."""
    shutil.rmtree(out, ignore_errors=True)
    image = f"{out}:{version}"
    _umoci("init", "--layout", str(out))
    _umoci("new", "--image", image)
    for layer in layers:
        made = ("--history.created", DATE, "--history.created_by", f"image.py {layer.name}")
        _umoci("raw", "add-layer", *made, "--image", image, str(layer))
    settings = {"os": "windows", "architecture": "amd64", "config.entrypoint": "cni-hns.exe", "created": DATE}
    words = [f"--{name}={value}" for name, value in settings.items()]
    for name, value in _labels(version).items():
        words += [f"--config.label=org.opencontainers.image.{name}={value}"]
        words += [f"--manifest.annotation=org.opencontainers.image.{name}={value}"]
    _umoci("config", "--no-history", "--image", image, *words)
    # What each step replaced goes.
    _umoci("gc", "--layout", str(out))


def _labels(version: str) -> dict[str, str]:
    return {
        "title": "cni-hns",
        "description": "CNI plugin and agent for Windows nodes, as a HostProcess container",
        "version": version,
        "licenses": "Apache-2.0",
        "created": DATE,
    }


def _umoci(*words: str) -> None:
    subprocess.run(["umoci", *words], check=True, stdin=subprocess.DEVNULL)  # noqa: S607 - as apt put it


if __name__ == "__main__":
    raise SystemExit(main())
