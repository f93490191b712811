"""`pause.tar`: the image of a sandbox, made here: no registry is asked.

It has one static program, which waits. The tar is what `ctr images import` reads.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

__all__ = ["PAUSE_IMAGE", "PAUSE_SOURCE", "make_pause_image"]

PAUSE_IMAGE = "localhost/pause:1"
PAUSE_SOURCE = Path(__file__).parent / "pause.c"


def make_pause_image(target: Path) -> None:
    """Compile the program and pack it.

    Raises: FileNotFoundError or CalledProcessError: gcc, umoci or skopeo is missing or failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        layout = f"{folder}/layout"
        tar = f"{folder}/pause.tar"
        for command in [
            ["gcc", "-O2", "-static", "-nostdlib", "-s", "-o", f"{folder}/pause", str(PAUSE_SOURCE)],
            ["umoci", "init", "--layout", layout],
            ["umoci", "new", "--image", f"{layout}:pause"],
            ["umoci", "insert", "--rootless", "--image", f"{layout}:pause", f"{folder}/pause", "/pause"],
            ["umoci", "config", "--image", f"{layout}:pause", "--config.entrypoint", "/pause"],
            # The policy says which signatures are wanted: none, of what was made a moment ago.
            [
                "skopeo",
                "--insecure-policy",
                "copy",
                "-q",
                f"oci:{layout}:pause",
                f"docker-archive:{tar}:{PAUSE_IMAGE}",
            ],
        ]:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        target.write_bytes(Path(tar).read_bytes())
