"""What each part of the GAN's game does: variants from one warmed-up generator, at equal time.

    voxgen train --model vae --data S32 --name warm --minutes 20
    python benchmarks/ablation.py --data S32 --start warm --minutes 4 [--out ablation]

Each variant begins with the same autoencoder (`--finetune`), plays for the same time, and is judged against
the validation split, on which settings are chosen. Stopped, the same command goes on.

The techniques of Salimans et al. (2016) are minibatch discrimination, feature matching and label smoothing,
which in a relativistic game is a pair that counts as swapped at some chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commands import head, row, voxgen

VARIANTS = {
    "as it is": (),
    "no game (adversarial = 0)": ("adversarial=0",),
    "critic sees no minibatch": ("minibatch=alone",),
    "minibatch discrimination": ("minibatch=discrimination",),
    "feature matching": ("feature_matching=0.05",),
    "label smoothing": ("smoothing=0.1",),
    "no gradient penalty": ("gamma=0",),
    "half the weight of the game": ("adversarial=0.05",),
}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--start", required=True, help="run of a VAE that is warmed up")
    parser.add_argument("--minutes", type=float, default=4.0, help="of the game, each")
    parser.add_argument("-n", "--count", type=int, default=300, help="samples, each")
    parser.add_argument("--threads", type=int, help="of training; all cores where left out")
    parser.add_argument("--out", type=Path, default=Path("ablation"))
    args = parser.parse_args()
    threads = [] if args.threads is None else ["--set", f"train.threads={args.threads}"]
    print(head("variant"))
    for number, (name, settings) in enumerate(VARIANTS.items()):
        run = f"{args.out.name}-{number}"
        words = ["train", "--model", "gan", "--data", args.data, "--name", run, "--finetune", args.start]
        words += ["--minutes", f"{args.minutes:g}", "--set", "model.warm_up=0", "--set", "train.reports=2"]
        voxgen(*words, *threads, *(word for item in settings for word in ("--set", f"model.{item}")))
        judge = ["evaluate", run, "--data", args.data, "--split", "validation", "--asked", "0"]
        judged = voxgen(*judge, "-n", str(args.count), "-o", str(args.out / str(number)))
        print(row(name, judged["scores"]["figures"]), flush=True)


if __name__ == "__main__":
    main()
