"""Write what a build consists of beside it, as a CycloneDX bill of materials.

Usage: bill_of_materials.py DIST

DIST is what build.spec made: `cni-hns.cdx.json` appears there. Its components are the packages, Python and
libraries in the exe, each with its version, and the files of the contents folder, each with its SHA-256. One
build always gives the same bytes: neither a date nor a random number is in it.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

NAME = "cni-hns.cdx.json"

# These come with Python, the others from the package index.
WITH_PYTHON = {"python", "sqlite", "openssl"}


def main() -> int:
    dist = Path(sys.argv[1])
    (layout,) = dist.glob("cni-hns-folder/_cni_hns-*/layout.json")
    bom = bill_of_materials(json.loads(layout.read_text(encoding="utf-8")))
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    (dist / NAME).write_text(without_date(written), encoding="utf-8", newline="\n")
    print(f"{dist / NAME}: {len(bom.components)} components")
    return 0


def bill_of_materials(layout: dict[str, object]) -> Bom:
    """The bill of the build with this layout.json."""
    # The folder's name holds the digest of all that is in it.
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"cni-hns {layout['folder']}"))
    program = Component(
        name="cni-hns",
        version=layout["version"],
        type=ComponentType.APPLICATION,
        bom_ref="cni-hns",
        purl=PackageURL("pypi", None, "cni-hns", layout["version"]),
    )
    bom.metadata.component = program
    for name, version in layout["components"].items():
        bom.components.add(library(name, version))
    for path, digest in layout["files"].items():
        bom.components.add(file(path, digest))
    bom.register_dependency(program, list(bom.components))
    return bom


def library(name: str, version: str) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.PLATFORM if name == "python" else ComponentType.LIBRARY,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("generic" if name in WITH_PYTHON else "pypi", None, name, version),
    )


def file(path: str, digest: str) -> Component:
    return Component(
        name=path,
        type=ComponentType.FILE,
        bom_ref=f"file:{path}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def without_date(text: str) -> str:
    document = json.loads(text)
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
