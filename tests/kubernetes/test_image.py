"""The image of the HostProcess containers, as skopeo and a reader of tars see it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from Registry import Registry  # type: ignore[import-untyped]

from cni_hns.binding.access_lists import WRITE, named, writers
from tests.lane import Lane

SCRIPT = Path(__file__).parent.parent.parent / ".ci" / "image.py"
# SYSTEM and the administrators.
MAY_WRITE = {"S-1-5-18", "S-1-5-32-544"}
CONFIG = "Files/Windows/System32/config"


class Image(NamedTuple):
    """The layout's folder, the build that it was made of, and what skopeo says of it."""

    folder: Path
    dist: Path
    about: dict[str, Any]
    config: dict[str, Any]
    layers: list[tarfile.TarFile]

    @property
    def contents(self) -> Path:
        (found,) = self.dist.glob("cni-hns-folder/_cni_hns-*")
        return found


def make(dist: Path, out: Path) -> str:
    """The image's name in skopeo's words."""
    done = subprocess.run([sys.executable, SCRIPT, dist, out], check=True, stdout=-1, text=True)
    version = done.stdout.split(": ")[0].rpartition(":")[2]
    return f"oci:{out}:{version}"


def skopeo(*words: str) -> dict[str, Any]:
    command = ["skopeo", *words]
    done = subprocess.run(command, check=True, stdout=-1, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def image(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> Image:
    out = tmp_path_factory.mktemp("image") / "layout"
    dist = lane.dist(windows=True)
    name = make(dist, out)
    about = skopeo("inspect", name)
    blobs = [out / "blobs" / "sha256" / one.partition(":")[2] for one in about["Layers"]]
    layers = [tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob.read_bytes()))) for blob in blobs]  # noqa: SIM115
    return Image(out, dist, about, skopeo("inspect", "--config", name), layers)


def test_it_is_for_every_windows_and_runs_the_program(image: Image) -> None:
    config = image.config
    assert (config["os"], config["architecture"]) == ("windows", "amd64")
    # A version of Windows would be matched against the node's.
    assert "os.version" not in config
    assert config["config"]["Entrypoint"] == ["cni-hns.exe"]
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == image.contents.name.split("-")[1]
    assert {"title", "description", "licenses"} <= {one.rpartition(".")[2] for one in labels}


def test_the_base_layer_has_the_hives_that_windows_looks_at_and_nothing_else(
    image: Image, tmp_path: Path
) -> None:
    base, _ = image.layers
    files = [entry for entry in base if entry.isfile()]
    assert [one.name for one in files] == [
        f"{CONFIG}/{name}" for name in ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
    ]
    for one in files:
        content = base.extractfile(one)
        assert content is not None
        hive = tmp_path / Path(one.name).name
        hive.write_bytes(content.read())
        root = Registry.Registry(str(hive)).root()
        assert (root.subkeys(), root.values()) == ([], [])


def test_the_second_layer_is_what_install_lays_down(image: Image) -> None:
    _, program = image.layers
    held = {entry.name: entry for entry in program if entry.isfile()}
    layout = json.loads((image.contents / "layout.json").read_text())
    expected = {f"Files/{image.contents.name}/{path}": digest for path, digest in layout["files"].items()}
    exe = (image.dist / "cni-hns-folder" / "cni-hns.exe").read_bytes()
    expected["Files/cni-hns.exe"] = hashlib.sha256(exe).hexdigest()
    for name, digest in expected.items():
        content = program.extractfile(held.pop(name))
        assert content is not None
        assert hashlib.sha256(content.read()).hexdigest() == digest
    assert set(held) == {
        f"Files/{image.contents.name}/layout.json",
        "Files/LICENSE",
        "Files/cni-hns.cdx.json",
    }


def test_every_folder_comes_before_what_is_in_it(image: Image) -> None:
    for layer in image.layers:
        seen = {""}
        for entry in layer:
            assert entry.name.rpartition("/")[0] in seen
            seen.add(entry.name)


def test_nobody_but_administrators_writes_anything_in_it(image: Image) -> None:
    for entry in [entry for layer in image.layers for entry in layer]:
        descriptor = base64.b64decode(entry.pax_headers["MSWINDOWS.rawsd"])
        found = set(writers(descriptor, WRITE, inherited=True))
        assert found <= MAY_WRITE, [named(one) for one in found - MAY_WRITE]
        assert entry.mode & 0o022 == 0


def test_one_build_gives_the_same_bytes_again(image: Image, tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    make(image.dist, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(image.folder)


def test_a_registry_would_take_it(image: Image, tmp_path: Path) -> None:
    """skopeo holds each blob against its digest as it copies."""
    version = image.config["config"]["Labels"]["org.opencontainers.image.version"]
    source, target = f"oci:{image.folder}:{version}", f"oci-archive:{tmp_path}/image.tar"
    copied = ["skopeo", "--insecure-policy", "copy", "-q", source, target]
    subprocess.run(copied, check=True)
    assert skopeo("inspect", target)["Digest"] == image.about["Digest"]


def test_it_stays_small(image: Image) -> None:
    """The program's own size is bounded by its own test: here it is compressed, with nothing beside it."""
    size = sum(path.stat().st_size for path in image.folder.rglob("*") if path.is_file())
    whole = sum(path.stat().st_size for path in image.contents.parent.rglob("*") if path.is_file())
    assert size < 0.6 * whole
