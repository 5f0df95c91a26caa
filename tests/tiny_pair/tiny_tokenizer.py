"""A small tokenizer in the manner of Llama 3: byte-level BPE, turns between header tokens, and one BOS.

As in that family, the chat template writes the BOS and the tokenizer adds one of its own unless told not to, so
whoever tokenises a rendered conversation carelessly gets two.
"""

BOS, PAD, END_OF_TURN = "<|begin_of_text|>", "<|pad|>", "<|eot_id|>"
HEADER = ("<|start_header_id|>", "<|end_header_id|>")
CONTEXT = 2048
"""The longest conversation that the pair reads, in tokens."""
SPECIAL = (BOS, PAD, *HEADER, END_OF_TURN)
ROLES = ("system", "user", "assistant")
# Line breaks form pieces of their own, so a prompt is tokenised alike whatever reply follows it.
PIECES = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def train_tokenizer(texts: list[str], vocabulary: int):
    """A tokenizer of at most `vocabulary` tokens learnt from some texts; every byte is a token, so any text fits."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, *ROLES], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=END_OF_TURN,
        pad_token=PAD,
        padding_side="left",
        model_max_length=CONTEXT,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped
