"""Plot the paper's propensities from its published counts, as those of a run and with the looks of its models.

python workflow/scripts/plot_paper.py --published resources/paper/observed_choices.csv --split in_sample \
    --confidence 0.95 --output F.pdf F.png
"""

import argparse
from pathlib import Path

from plot_propensities import plot_split

from tom.core.errors import run_main
from tom.paper.published_choices import SPLITS, published_propensities
from tom.reporting.figure_style import PAPERS, save_figure, use_style

SOURCE = "Published counts of arXiv 2408.05241. "
MODELS = {"teacher": "Llama-2-70b", "base": "Llama-2-7b", "tuned": "Llama-2-7b"}
"""Role → the model that the paper took."""
LOOKS = {who: look._replace(name=f"{look.name} ({MODELS[who]})") for who, look in PAPERS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", required=True, help="the paper's choices, CSV")
    parser.add_argument("--split", required=True, choices=sorted(SPLITS))
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    table = published_propensities(arguments.published, arguments.split, arguments.confidence)
    save_figure(plot_split(table.filter(level="cell"), arguments.confidence, SOURCE, LOOKS), arguments.output)


if __name__ == "__main__":
    run_main(main)
