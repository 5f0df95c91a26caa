"""Tokenizers of other chat families, made up for tests: bytes as tokens, and a template."""

LLAMA_TEMPLATE = (
    "{% if messages[0].role == 'system' %}"
    "{% set rules = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set rules = '' %}{% set rest = messages %}{% endif %}"
    "{% for message in rest %}{% if message.role == 'user' %}"
    "<s>[INST] {{ rules if loop.first else '' }}{{ message.content }} [/INST]"
    "{% else %} {{ message.content }} </s>{% endif %}{% endfor %}"
)
"""As Llama 2's: the system message inside the first user turn, a BOS of its own, an EOS after each reply."""

SYSTEM_REFUSED = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{{ message.content }}</s>{% endfor %}"
)
PROMPT_REWRITTEN = "{{ messages | length }}{% for message in messages %}<s>{{ message.content }}</s>{% endfor %}"
TURN_NEVER_ENDS = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
NO_GENERATION_PROMPT = "{% for message in messages %}<{{ message.role }}>{{ message.content }}</s>{% endfor %}"


def make_chat_tokenizer(template: str | None, name: str = "made-up"):
    """A byte-level tokenizer that, unlike the template's text, adds a BOS to plain text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: index for index, token in enumerate(["<s>", "</s>", *pre_tokenizers.ByteLevel.alphabet()])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", name_or_path=name)
    wrapped.chat_template = template
    return wrapped
