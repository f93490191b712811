"""Print the sizes of what build.spec made, the libraries in it, and how many modules of which package.

Usage: bundle_report.py DIST
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from cni_hns.packed import PackedModules

MIB = 1 << 20


def main() -> int:
    dist = Path(sys.argv[1])
    for path in sorted(dist.glob("cni-hns*")):
        print(f"{size(path):8.2f} MiB  {path.name}")
    for folder in sorted(dist.glob("cni-hns-folder/_cni_hns-*")):
        print(f"\n{folder.name}")
        for path in sorted(folder.rglob("*"), key=size, reverse=True):
            if path.is_file() and path.suffix != ".pyc" and "conf" not in path.parts:
                print(f"{size(path):8.2f} MiB  {path.relative_to(folder).as_posix()}")
        with closing(PackedModules(str(folder), "/")) as packed:
            packages = Counter(name.partition(".")[0] for name in packed.names)
        several = [f"{name} {count}" for name, count in sorted(packages.items()) if count > 1]
        single = sum(count == 1 for count in packages.values())
        print(f"modules: {', '.join(several)}, and {single} single ones")
    return 0


def size(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / MIB


if __name__ == "__main__":
    sys.exit(main())
