"""The hyperparameters of a training, as command-line flags and as a value."""

from dataclasses import asdict, dataclass

LABEL, PROBABILITIES = "label", "probabilities"
FULL_REPLY, SHUFFLED_MOTIVATION = "full_reply", "shuffled_motivation"


@dataclass(frozen=True)
class Target:
    """A part of the teacher's replies that is learnt: tom/training/examples.py.

    about: for the config's documentation. line: its students' label in a figure. motivations: whether the replies'
    texts are needed; without them a target is a single letter. exact: whether the teacher's exact probabilities are
    learnt in place of its replies.
    """

    about: str
    line: str
    motivations: bool
    exact: bool = False


TARGETS = {
    LABEL: Target("the choice alone", "choices", motivations=False),
    PROBABILITIES: Target(
        "the exact probabilities of both choices, where the teacher has them",
        "exact probabilities",
        motivations=False,
        exact=True,
    ),
    FULL_REPLY: Target("choice and motivation", "choices and motivations", motivations=True),
    SHUFFLED_MOTIVATION: Target(
        "the choice with another cell's motivation, a control", "choices, others' motivations", motivations=True
    ),
}
"""Name of a training target → what it is."""

REPLY_TARGETS = {name: target for name, target in TARGETS.items() if not target.exact}
"""The targets that are parts of drawn replies."""

AS_IS, SHUFFLED, CONSTANT = TEACHERS = ("as_is", "shuffled", "constant")
"""What is left of the teacher: tom/training/ablations.py."""

ORIGINAL, BOTH = LABEL_MAPPINGS = ("original", "both")
"""What the letters mean in training prompts: C cooperation as for the teacher, or that and, in as many prompts, D."""


REPLIES, PROMPTS = BATCHES_OF = ("replies", "prompts")
"""What a batch is a number of."""


@dataclass(frozen=True)
class Recipe:
    """How an adapter is trained; config/README.md explains each hyperparameter."""

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
    batch_of: str = REPLIES
    # null and false in the config give no flag.
    batch_size: int | None = None
    variants_per_epoch: int | None = None
    gradient_checkpointing: bool = False

    def as_dict(self) -> dict:
        """Hyperparameter → value."""
        return asdict(self)

    @property
    def whole_prompts(self) -> bool:
        """Whether a batch is a number of prompts with all of their replies. Exact probabilities are never split."""
        return self.batch_of == PROMPTS or TARGETS[self.target].exact

    def modules(self) -> str | list[str]:
        """The layers that get an adapter, in the form that PEFT expects."""
        return module_names(self.target_modules)


def module_names(target_modules: str) -> str | list[str]:
    """The config's `target_modules` in the form that PEFT expects."""
    names = target_modules.split(",")
    return names[0] if names == ["all-linear"] else names
