"""The training knobs, as flags and as a value."""

import argparse
from dataclasses import asdict, dataclass, fields

LABEL, FULL_REPLY, SHUFFLED_MOTIVATION = TARGETS = ("label", "full_reply", "shuffled_motivation")
"""What is learnt of the teacher's replies: tom/training/examples.py."""

ORIGINAL, BOTH = LABEL_MAPPINGS = ("original", "both")
"""Which letters a choice is taught with: the teacher's, or besides, in as many prompts, with C and D exchanged."""


@dataclass(frozen=True)
class Recipe:
    """How an adapter is trained; config/README.md says what each knob does."""

    target: str
    rank: int
    alpha: float
    dropout: float
    target_modules: str
    learning_rate: float
    warmup: float
    epochs: int
    gauss_newton_steps: int
    tokens_per_pack: int
    weight_decay: float
    clip: float

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """One required flag for each knob."""
        for field in fields(Recipe):
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, required=True)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "Recipe":
        """The recipe that parsed flags name."""
        return cls(**{field.name: getattr(arguments, field.name) for field in fields(cls)})

    def as_dict(self) -> dict:
        """Knob → value."""
        return asdict(self)

    def modules(self) -> str | list[str]:
        """The layers that get an adapter, as PEFT takes them."""
        names = self.target_modules.split(",")
        return names[0] if names == ["all-linear"] else names
