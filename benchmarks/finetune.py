"""Beginning from a trained model on a set that it has not seen: pre-trained without Limburg, tuned on it.

    python benchmarks/finetune.py --data ../shared/data [--model vae] [--minutes 8] [--pretrain 20]

Runs on the grid of the standard task: one on all sources but nl_3dbag_limburg, one on Limburg from first
weights, one that has a quarter of its time, and one in that quarter that begins with the weights of the
first. All are judged against Limburg's test split. Stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from commands import head, row, voxgen

HELD_BACK = "nl_3dbag_limburg"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of folders of buildings")
    parser.add_argument("--model", default="vae")
    parser.add_argument("--minutes", type=float, default=8.0, help="of training from first weights")
    parser.add_argument("--pretrain", type=float, default=20.0, help="minutes")
    parser.add_argument("--threads", type=int, help="of training; all cores where left out")
    parser.add_argument("--out", type=Path, default=Path("finetune"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    folders = sorted(folder for folder in args.data.glob("*/original"))
    others = [folder for folder in folders if folder.parent.name != HELD_BACK]
    mine = args.data / HELD_BACK / "original"
    rest, own = args.out / "others", args.out / "limburg"
    voxgen("data", "build", *others, "-o", rest, "--preset", "standard")
    voxgen("data", "build", mine, "-o", own, "--preset", "standard")
    name = f"{args.out.name}-{args.model}"
    threads = () if args.threads is None else ("--set", f"train.threads={args.threads}")
    train = ("train", "--model", args.model, *threads)
    quarter = args.minutes / 4
    runs = {
        f"pre-trained {args.pretrain:g} min, never saw it": (f"{name}-others", rest, args.pretrain, ()),
        f"from first weights, {args.minutes:g} min": (f"{name}-scratch", own, args.minutes, ()),
        f"from first weights, {quarter:g} min": (f"{name}-scratch-quarter", own, quarter, ()),
        f"fine-tuned, {quarter:g} min": (f"{name}-tuned", own, quarter, ("--finetune", f"{name}-others")),
    }
    print(head("run"))
    judged: dict[str, Any] = {}
    for label, (run, data, minutes, more) in runs.items():
        voxgen(*train, "--data", data, "--name", run, "--minutes", f"{minutes:g}", *more)
        judged = voxgen("evaluate", run, "--data", own, "--asked", "0", "-o", args.out / run)
        print(row(label, judged["scores"]["figures"]), flush=True)
    print(row("real against real", judged["floors"]["real against real"]["figures"]))


if __name__ == "__main__":
    main()
