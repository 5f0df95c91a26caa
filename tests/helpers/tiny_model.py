"""A real but tiny language model: a random Llama and a tokenizer trained on this project's own prompts.

python tests/tiny_model.py FOLDER [SEED]

It is an ordinary model folder, so `student: {source: folder, folder: FOLDER}` runs the workflow on it in
seconds. The same seed gives the same bytes. It knows nothing: its answers depend on the whole prompt, but
only through random weights.
"""

import json
import sys
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

VOCABULARY = 384  # 256 bytes, the special tokens, and merges that make a prompt about 150 tokens
# Of the paper's study, so that a game or context more makes no other model.
GAMES = ("prisoners_delight", "prisoners_dilemma", "snowdrift", "stag_hunt")
CONTEXTS = ("business", "diplomacy", "environment", "friendship", "investors", "roommates", "sports", "teamwork")
END_OF_TEXT, START_OF_TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def all_prompts() -> list[str]:
    """The messages of every cell of these games and contexts, single and doubled, in every variant."""
    from tom.prompts.cells import CellFiles, render_variants
    from tom.prompts.variants import ORDERS, scored

    resources = ROOT / "resources"
    games = [resources / "games" / f"{name}.yaml" for name in GAMES]
    contexts = [resources / "contexts" / f"{name}.yaml" for name in CONTEXTS]
    prompt_format = resources / "prompt_formats" / "choice.yaml"
    texts = []
    for game, context, scale in product(games, contexts, ("", "-x2")):
        files = CellFiles(game.stem + scale, game, context, prompt_format)
        for messages in render_variants(files, scored(list(ORDERS))):
            texts += [message["content"] for message in messages]
    return texts


def train_tokenizer(texts: list[str]):
    """A byte-level BPE tokenizer whose letters C and D are one token each."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT, START_OF_TURN, END_OF_TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, "system", "user", "assistant"], trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END_OF_TURN, pad_token=END_OF_TEXT)
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def make_tiny_model(folder: Path, seed: int = 0, tokenizer=None) -> Path:
    """Save the model and its tokenizer in `folder` and return it; the same seed gives the same bytes.

    tokenizer: of another chat family; by default one trained on the project's prompts.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer or train_tokenizer(all_prompts())
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        # Each side of each linear layer is a multiple of 64, the block that NF4 quantises at once.
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        # Ten times the usual: a token far back in the prompt still moves the answer, so errors show.
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


def make_tiny_adapter(model_folder: Path, folder: Path, seed: int = 0) -> Path:
    """Save a random LoRA adapter of the model in `folder`, strong enough to change its answers, and return it."""
    import torch
    from peft import LoraConfig, get_peft_model

    from tom.models.language_models import load_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(load_model(model_folder, "cpu"), config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    settings = Path(folder) / "adapter_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"base_model_name_or_path": None}))
    return Path(folder)


if __name__ == "__main__":
    make_tiny_model(Path(sys.argv[1]), *map(int, sys.argv[2:]))
