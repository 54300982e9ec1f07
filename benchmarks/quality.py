"""The standard task: voxgen's families and published-style peers on one data set and one budget each.

    python benchmarks/quality.py --data S32 --minutes 20 [--out folder]

The data set is built by `voxgen data build '../shared/data/*/original' -o S32 --preset standard`. Each model
trains for the same wall-clock time on this machine, one after the other, makes 500 samples, and is judged
against the test split before any repair, as `voxgen compare` does it: 1-NNA and its halves, COV, MMD, FD,
facets, validity, copies and Z_U, beside real buildings, Bernoulli noise and height maps. Stopped, the same
command goes on. The peers are those of `peers.py` and the thesis recipe; MONAI's needs
`pip install -e ".[benchmarks]"` and is left out without that.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

OURS = ("vae", "gan", "flow", "diffusion", "flow/voxel", "diffusion/voxel")
PEERS = ("thesis", "peers:Wu3DGAN", "peers:ConvVAE")
MONAI = "peers:MonaiDDIM"


def main() -> None:
    """Run `voxgen compare` over voxgen's families and the peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20.0, help="of training, each")
    parser.add_argument("--models", help="with commas; voxgen's families and the peers if left out")
    parser.add_argument("--out", type=Path, default=Path("quality"))
    args = parser.parse_args()
    models = args.models
    if models is None:
        monai = (MONAI,) if importlib.util.find_spec("monai") else ()
        models = ",".join((*OURS, *PEERS, *monai))
    command = [sys.executable, "-m", "voxgen.cli", "compare", "--data", str(args.data), "--models", models]
    command += ["--minutes", f"{args.minutes:g}", "-o", str(args.out), "--name", args.out.name]
    # Where `peers` is found by name.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]])}
    raise SystemExit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
