"""Plot the paper's propensities from its published counts, in the same way as those of a run.

python workflow/scripts/plot_paper.py --published resources/paper/observed_choices.csv --split in_sample \
    --confidence 0.95 --output F.pdf F.png
"""

import argparse
from pathlib import Path

from plot_propensities import plot_split

from tom.core.errors import run_main
from tom.paper.published_choices import SPLITS, published_propensities
from tom.reporting.figure_style import save_figure, use_style

SOURCE = "Published counts of arXiv 2408.05241: Llama-2-70b, Llama-2-7b and its tuned student. "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", required=True, help="the paper's choices, CSV")
    parser.add_argument("--split", required=True, choices=sorted(SPLITS))
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    table = published_propensities(arguments.published, arguments.split, arguments.confidence)
    save_figure(plot_split(table.filter(level="cell"), arguments.confidence, SOURCE), arguments.output)


if __name__ == "__main__":
    run_main(main)
