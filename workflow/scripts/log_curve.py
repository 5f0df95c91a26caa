"""Write the curve of a finished training as a TensorBoard log. Needs tensorboardX, which is no part of the environment.

python workflow/scripts/log_curve.py --curve CURVE.csv --output results/main/tensorboard/seed1
"""

import argparse
from pathlib import Path

import polars as pl
from plot_training_curve import read_curve

from tom.core.errors import run_main
from tom.core.files import atomic_folder, log_written

SCALARS = ("loss", "validation_loss", "learning_rate", "epoch")
"""Columns of a curve, each a scalar over its steps. Empty fields are left out."""


def write_log(curve: pl.DataFrame, folder: Path) -> None:
    """Write one event file of a curve. curve: of read_curve."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for row in curve.iter_rows(named=True):
            for name in SCALARS:
                if row[name] is not None:
                    writer.add_scalar(f"training/{name}", row[name], row["step"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curve", type=Path, required=True, help="CSV of a training")
    parser.add_argument("--output", type=Path, required=True, help="a folder of its own")
    arguments = parser.parse_args()
    curve = read_curve(arguments.curve)
    with atomic_folder(arguments.output) as temporary:
        write_log(curve, temporary)
    log_written(arguments.output, f"{curve.height} steps for TensorBoard")


if __name__ == "__main__":
    run_main(main)
