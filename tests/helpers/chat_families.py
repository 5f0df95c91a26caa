"""Tiny models of many chat families: each with its own architecture, special tokens, and a template in its format.

python tests/helpers/chat_families.py FAMILY FOLDER

The weights are random and the tokens are bytes, so a model takes a few hundred KB. The templates are written for these
tests after the formats that the families document; they are no copies.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))


@dataclass(frozen=True)
class Family:
    """A chat family.

    model_type: its architecture, as transformers calls it. special: its special tokens; bos and eos are two of them.
    ends: further tokens that end a turn, which generation_config.json lists. section: the config's `template` section.
    prompt, reply: what the model sees of the system message S and the user's U, and of the reply C with its end.
    """

    model_type: str
    special: tuple[str, ...]
    eos: str
    template: str | None
    prompt: str
    reply: str
    bos: str | None = None
    ends: tuple[str, ...] = ()
    section: dict | str | None = None
    precision: str = "nf4"
    settings: dict = field(default_factory=dict)


def turns(before: str, after: str, begin: str, opening: str = "") -> str:
    """A template that writes each message between two texts, in which ROLE stands for who speaks."""
    role = "' ~ message.role ~ '"
    before, after = before.replace("ROLE", role), after.replace("ROLE", role)
    return (
        f"{opening}{{% for message in messages %}}{{{{ '{before}' ~ message.content ~ '{after}' }}}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{{{{ '{begin}' }}}}{{% endif %}}"
    )


CHATML = turns("<|im_start|>ROLE\\n", "<|im_end|>\\n", "<|im_start|>assistant\\n")
CHATML_PROMPT = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}{% endif %}"
)
ALTERNATE = (
    "{% for message in messages %}{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% for message in messages %}"
    "{% set role = 'model' if message.role == 'assistant' else message.role %}"
    "{{ '<start_of_turn>' ~ role ~ '\\n' ~ message.content | trim ~ '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
GEMMA_TOKENS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
GEMMA_PROMPT = "<bos><start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n"
GEMMA_END = {"eos": "<eos>", "bos": "<bos>", "ends": ("<end_of_turn>",), "reply": "C<end_of_turn>"}

FAMILIES = {
    "qwen2.5": Family("qwen2", CHATML_TOKENS, "<|im_end|>", DEFAULT_SYSTEM + CHATML, CHATML_PROMPT, "C<|im_end|>"),
    "llama2": Family(
        "llama",
        ("<unk>", "<s>", "</s>"),
        "</s>",
        "{% set system = '' %}{% if messages[0].role == 'system' %}"
        "{% set system = '<<SYS>>\\n' ~ messages[0].content ~ '\\n<</SYS>>\\n\\n' %}{% set messages = messages[1:] %}"
        "{% endif %}{% for message in messages %}{% if message.role == 'user' %}"
        "{{ bos_token ~ '[INST] ' ~ (system if loop.first else '') ~ message.content ~ ' [/INST]' }}"
        "{% else %}{{ ' ' ~ message.content ~ ' ' ~ eos_token }}{% endif %}{% endfor %}",
        "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]",
        " C </s>",
        bos="<s>",
    ),
    "llama3.2": Family(
        "llama",
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "{{ bos_token }}{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{% for message in messages %}{{ '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\\n\\n' }}"
        "{% if loop.first %}{{ 'Today Date: ' ~ date_string ~ '\\n\\n' }}{% endif %}"
        "{{ message.content | trim ~ '<|eot_id|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nToday Date: 26 Jul 2024\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "C<|eot_id|>",
        bos="<|begin_of_text|>",
        ends=("<|end_of_text|>",),
        section={"strftime_now": "2024-07-26"},
    ),
    "mistral0.1": Family(
        "mistral",
        ("<unk>", "<s>", "</s>"),
        "</s>",
        "{{ bos_token }}" + ALTERNATE + "{% for message in messages %}{% if message.role == 'user' %}"
        "{{ '[INST] ' ~ message.content ~ ' [/INST]' }}{% else %}{{ message.content ~ eos_token }}{% endif %}"
        "{% endfor %}",
        "<s>[INST] S\n\nU [/INST]",
        "C</s>",
        bos="<s>",
        settings={"sliding_window": None},
    ),
    "mixtral": Family(
        "mixtral",
        ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
        "</s>",
        "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
        "{{ '[SYSTEM_PROMPT]' ~ message.content ~ '[/SYSTEM_PROMPT]' }}{% elif message.role == 'user' %}"
        "{{ '[INST]' ~ message.content ~ '[/INST]' }}{% else %}{{ message.content ~ eos_token }}{% endif %}"
        "{% endfor %}",
        "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U[/INST]",
        "C</s>",
        bos="<s>",
        precision="float32",
        settings={"num_local_experts": 4, "sliding_window": None},
    ),
    "gemma2": Family(
        "gemma2",
        GEMMA_TOKENS,
        template="{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        + GEMMA,
        prompt=GEMMA_PROMPT,
        **GEMMA_END,
    ),
    "gemma3": Family(
        "gemma3_text",
        GEMMA_TOKENS,
        template="{% if messages[0].role == 'system' %}{% set rules = messages[0].content ~ '\\n\\n' %}"
        "{% set messages = messages[1:] %}{% else %}{% set rules = '' %}{% endif %}"
        + GEMMA.replace("message.content", "(rules if loop.first else '') ~ message.content").replace(
            "(rules if loop.first else '') ~ message.content | trim",
            "((rules if loop.first else '') ~ message.content) | trim",
        ),
        prompt=GEMMA_PROMPT,
        **GEMMA_END,
        settings={"layer_types": ["sliding_attention", "full_attention"]},
    ),
    "phi3": Family(
        "phi3",
        ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|endoftext|>",
        turns("<|ROLE|>\\n", "<|end|>\\n", "<|assistant|>\\n")
        + "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}",
        "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n",
        "C<|end|>",
        ends=("<|end|>",),
    ),
    "glm4": Family(
        "glm",
        ("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
        "<|endoftext|>",
        turns("<|ROLE|>\\n", "", "<|assistant|>", opening="[gMASK]<sop>"),
        "[gMASK]<sop><|system|>\nS<|user|>\nU<|assistant|>",
        "\nC<|user|>",
        ends=("<|user|>", "<|observation|>"),
    ),
    "qwen3": Family(
        "qwen3",
        CHATML_TOKENS,
        "<|im_end|>",
        "{% for message in messages %}{{ '<|im_start|>' ~ message.role ~ '\\n' }}"
        "{% if message.role == 'assistant' and loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
        "{{ message.content ~ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|im_start|>assistant\\n' }}{% if enable_thinking is defined and enable_thinking is false %}"
        "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}",
        CHATML_PROMPT + "<think>\n\n</think>\n\n",
        "C<|im_end|>",
        section={"enable_thinking": False},
    ),
    "smollm3": Family(
        "smollm3",
        CHATML_TOKENS,
        "<|im_end|>",
        "{% set thinks = enable_thinking if enable_thinking is defined else true %}"
        "{{ '<|im_start|>system\\nToday: ' ~ strftime_now('%d %B %Y') ~ '\\n' }}"
        "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% set messages = messages[1:] %}{% endif %}"
        "{{ '<|im_end|>\\n' }}"
        + CHATML.replace(
            "{{ '<|im_start|>assistant\\n' }}",
            "{{ '<|im_start|>assistant\\n' ~ ('' if thinks else '<think>\\n\\n</think>\\n') }}",
        ),
        CHATML_PROMPT.replace("S<", "Today: 26 July 2024\nS<") + "<think>\n\n</think>\n",
        "C<|im_end|>",
        section={"enable_thinking": False, "strftime_now": "2024-07-26"},
    ),
    "command-r": Family(
        "cohere",
        (
            "<PAD>",
            "<BOS_TOKEN>",
            "<|START_OF_TURN_TOKEN|>",
            "<|END_OF_TURN_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
        ),
        "<|END_OF_TURN_TOKEN|>",
        "{{ bos_token }}{% for message in messages %}"
        "{% set who = {'system': 'SYSTEM', 'user': 'USER', 'assistant': 'CHATBOT'}[message.role] %}"
        "{{ '<|START_OF_TURN_TOKEN|><|' ~ who ~ '_TOKEN|>' ~ message.content ~ '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}",
        "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "C<|END_OF_TURN_TOKEN|>",
        bos="<BOS_TOKEN>",
    ),
    "olmo2": Family(
        "olmo2",
        ("<|endoftext|>", "<|padding|>"),
        "<|endoftext|>",
        "{{ bos_token }}{% for message in messages %}{{ '<|' ~ message.role ~ '|>\\n' ~ message.content }}"
        "{{ eos_token if message.role == 'assistant' else '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
        "<|endoftext|><|system|>\nS\n<|user|>\nU\n<|assistant|>\n",
        "C<|endoftext|>",
        bos="<|endoftext|>",
    ),
    "granite3": Family(
        "granite",
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        "<|end_of_text|>",
        turns(
            "<|start_of_role|>ROLE<|end_of_role|>",
            "<|end_of_text|>\\n",
            "<|start_of_role|>assistant<|end_of_role|>",
            opening="{% if messages[0].role != 'system' %}{{ '<|start_of_role|>system<|end_of_role|>Today is '"
            " ~ strftime_now('%B %d, %Y') ~ '.<|end_of_text|>\\n' }}{% endif %}",
        ),
        "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U<|end_of_text|>\n"
        "<|start_of_role|>assistant<|end_of_role|>",
        "C<|end_of_text|>",
        section={"strftime_now": "2024-07-26"},
    ),
    "stablelm": Family(
        "stablelm",
        ("<|endoftext|>",),
        "<|endoftext|>",
        turns("<|ROLE|>\\n", "<|endoftext|>\\n", "<|assistant|>\\n"),
        "<|system|>\nS<|endoftext|>\n<|user|>\nU<|endoftext|>\n<|assistant|>\n",
        "C<|endoftext|>",
    ),
    "pythia": Family(
        "gpt_neox",
        ("<|endoftext|>",),
        "<|endoftext|>",
        None,
        "S\n\nU\n\nAnswer:",
        " C<|endoftext|>",
        section="plain_text",
    ),
    "llama-base": Family(
        "llama", ("<s>", "</s>"), "</s>", None, "<s>S\n\nU\n\nAnswer:", " C</s>", bos="<s>", section="plain_text"
    ),
}


def family_tokenizer(name: str):
    """The family's tokenizer: its special tokens, and a token for each byte. With a BOS, plain text begins with it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    family = FAMILIES[name]
    alphabet = [*family.special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {token: index for index, token in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.add_special_tokens(list(family.special))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if family.bos:
        begin = [(family.bos, vocabulary[family.bos])]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{family.bos} $A", special_tokens=begin)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=family.bos,
        eos_token=family.eos,
        pad_token=family.special[0],
        name_or_path=name,
    )
    wrapped.chat_template = family.template
    return wrapped


def make_family(name: str, folder: Path, seed: int = 0) -> Path:
    """Save a tiny model of a family and its tokenizer in `folder`, and return it."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    family, tokenizer = FAMILIES[name], family_tokenizer(name)
    ends = sorted(tokenizer.convert_tokens_to_ids([family.eos, *family.ends]))
    config = AutoConfig.for_model(
        family.model_type,
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": 2048,
            "initializer_range": 0.2,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "dtype": "float32",
            **family.settings,
        },
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    model.generation_config.eos_token_id = ends if family.ends else ends[0]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


if __name__ == "__main__":
    make_family(sys.argv[1], Path(sys.argv[2]))
