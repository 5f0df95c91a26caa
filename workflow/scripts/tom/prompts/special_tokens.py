"""Special tokens in users' texts are text, while those that the chat template writes stay what they are.

A text enters the template with a stand-in for each special token in it, so the template neither changes it nor cuts the
text there. The result is tokenised by a copy of the tokenizer that knows its special tokens by other names, which stand
where the template wrote one. So one call tokenises everything, and merges, prefix spaces and white space around special
tokens are the tokenizer's own. Texts without special tokens never come here.

Stand-ins are Unicode noncharacters, which are meant for use inside of a program and stand in no text.
Source: The Unicode Standard, section 23.7.
"""

import json
import re
from functools import cached_property

from tom.core.errors import UserError

STAND_IN = re.compile("\ufdd0(\\d+)\ufdd1")
RESERVED = re.compile("[\ufdd0-\ufdd3]")


class SpecialTokens:
    """The added tokens of one tokenizer, the special ones among them."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.names = {number: token.content for number, token in tokenizer.added_tokens_decoder.items()}
        self.ids = {name: number for number, name in self.names.items()}

    def hide(self, token: str) -> str:
        """The stand-in of an added token that stands in a user's text."""
        return f"\ufdd0{self.ids[token]}\ufdd1"

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a rendered conversation with stand-ins.

        Errors: UserError if the tokenizer would read another text otherwise in this way, or a special token as itself.
        """
        held = [int(number) for number in STAND_IN.findall(text)]
        if self._renamed is not None:
            copy, ids = self._renamed
            renamed = self._own.sub(lambda found: _alias(self.ids[found[0]]), text)
            restored = STAND_IN.sub(lambda found: self.names[int(found[1])], renamed)
            found, same = (copy.encode(written, add_special_tokens=False).ids for written in (restored, renamed))
            # With the stand-ins left in, the copy must read what the tokenizer reads.
            usual = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            as_itself = {*held} & {token for token in found if token not in ids}
            if [ids.get(token, token) for token in same] == usual and not as_itself:
                return tuple(ids.get(token, token) for token in found)
        raise UserError(
            f"{self.tokenizer.name_or_path}: a text holds {self.names[held[0]]!r}, and the tokenizer can't read it as"
            " text (allowed: texts without it)"
        )

    @cached_property
    def _own(self) -> re.Pattern:
        return re.compile("|".join(map(re.escape, sorted(self.ids, key=len, reverse=True))))

    @cached_property
    def _renamed(self):
        """The copy, and the id that each of its added tokens has in the tokenizer.

        None for a tokenizer that is not of the library tokenizers, or whose ids leave no room for others.
        """
        from tokenizers import Tokenizer

        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return None
        document = json.loads(backend.to_str())
        for token in document["added_tokens"]:
            token["content"] = _alias(token["id"])
        document |= {"post_processor": None, "truncation": None, "padding": None}
        copy = Tokenizer.from_str(json.dumps(document))
        ids = {copy.token_to_id(_alias(number)): number for number in self.ids.values()}
        highest = max(backend.get_vocab(with_added_tokens=False).values())
        return None if None in ids or min(ids) <= highest else (copy, ids)


def _alias(number: int) -> str:
    return f"\ufdd2{number}\ufdd3"
