"""Whether a phrase is the player's own choice, judging by its frame.

Not a choice: what depends on a condition, what others say or think, what was played before, what is wished or only
weighed, what holds in another game or world, and a line of payoffs. A draw between the options is no single choice.
"""

import re

_PLAYS = r"(?:choose|pick|select|play|cooperate|defect|give|donate|contribute|claim|keep)s?"
_OTHERS = r"(?:they|he|she|you|the other(?:s| \w+)?|my (?!choice|answer|own|final)\w+)"
_CLAUSE = r"(?:^\W*|[,;:–—(]\s*|\b(?:and|or|but|because|since|that|while|although|though)\s+)"

_CONDITION = re.compile(
    r"^\W*(?:and\s+)?(?:then|later|afterwards)\b"
    r"|\b(?:if|unless|when|whenever|suppose|supposing|assume|assuming|imagine|in case|provided|as long as|in that case"
    r"|(?:every|each|any|next) time|the moment|(?:^|[,;]\s*|and\s+|or\s+)otherwise"
    r"|(?:should|were) (?:they|he|she|the|my))\b"
    rf"|\bgiven (?:that )?{_OTHERS} (?:\w+ )?{_PLAYS}\b"
    rf"|{_CLAUSE}(?:had|were) (?:they|he|she|we|i|it|this|that|there|things|the|my)\b",
    re.IGNORECASE,
)
# Conditions that hold in any case, such as "if I had to choose" or "when faced with this".
_EMPTY_CONDITION = re.compile(
    r"\bif (?:i (?:had to|have to|must|were to|was to|am to|need to) (?:choose|pick|select|decide|answer|guess|give)"
    r"|(?:i am |i'm |i were |i was )?(?:forced|pressed|asked|made)"
    r"|(?:i were|i was) (?:you|(?:in|playing|a player|the player)\b))[^,]*"
    r"|\bwhen (?:faced|playing|given|presented|it comes|considering|deciding|choosing between|thinking)\b[^,]*",
    re.IGNORECASE,
)
_ALL_CASES = re.compile(r"\b(?:no matter|regardless|whatever|whichever|even if|whether)\b[^,]*,", re.IGNORECASE)
_CONCLUSION = re.compile(
    r"(?:^|[,;]\s*|\band\s+)so\b|\bso,?\s*$|,\s*but\b"
    r"|\b(?:therefore|thus|hence|consequently|for (?:this|that|these|those) reasons?)\b",
    re.IGNORECASE,
)
_ELSEWHERE = (
    r"(?:in\s+(?:(?:their|his|her|your)\s+(?:place|shoes|position|situation)|theory|principle|another|other|different|an?\s+(?:\w+\s+)?(?:ideal|perfect|fair|just|better|different"
    r"|normal|one-?\s?shot|single|repeated|iterated|longer)\b)|under\s+(?:other|different|normal|better)\b)"
)
_WITH_OTHERS = (
    r"(?:(?:with|against|among|towards?)\s+(?:an?|any|other|most|some|strangers?|friends?|enem\w+)\b|without\s)"
)
_WEIGHED = re.compile(
    rf"{_CLAUSE}(?:{_ELSEWHERE}|(?:ideally|normally|usually|ordinarily|typically|theoretically|hypothetically|perhaps|maybe"
    r"|possibly|initially|sometimes|heads|tails|for\s+(?:example|instance)|e\.g)\b|at\s+first\b|on\s+(?:the\s+)?(?:one|other)\s+hand\b|on\s+paper\b"
    r"|from\s+an?\s+[\w\s-]{1,30}?(?:point\s+of\s+view|perspective|standpoint|viewpoint)\b"
    r"|(?:let(?:'s|\s+us|\s+me)\s+)?(?:say|pretend)\b|my\s+(?:first|initial)\s+\w+)"
    r"|^\W*(?:in\s+)?(?:case|scenario|option|possibility|outcome|example|round|turn|situation|strategy|game)"
    r"\s+(?:#?\d+|[A-Z]|one|two)\b|\b(?:part|half)\s+of\s+me\b",
    re.IGNORECASE,
)
_WOULD_ELSEWHERE = re.compile(
    rf"{_CLAUSE}(?:{_WITH_OTHERS}|during\s|in\s+(?:an?\s+)?(?!(?:response|return|fact|short|general|conclusion|summary)\b)"
    r"\w+\s*$)",
    re.IGNORECASE,
)
_ROUNDS = re.compile(
    r"\b(?:in|on)\s+(?:the\s+)?(?:first|last|second|third|odd|even|some|most|later|next|following|previous|other|\d+)\s+"
    r"(?:round|game|turn|move|time|case)s?\b|^\W*first\W+then\b|^\W*(?:each|every)\s+time\b|^\W*for\s+(?:each|every)\b",
    re.IGNORECASE,
)
_WOULD = re.compile(r"\b(?:would|should)\b|'d\b", re.IGNORECASE)
_COUNTERFACTUAL = re.compile(
    r"\b(?:have|'ve)\s+(?:always|often|usually|mostly|never)\b|(?:\b(?:would|could|should|might)|'d)\s+(?:\w+\s+)?(?:have|'ve)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:chosen?|picked|selected|played|decided|opted|went|gave|given|donated|contributed|claimed)\b", re.I
)
_MEMORY = re.compile(
    r"\b(?:round|turn)s?\s+\w+\b|\b(?:last|previous|earlier)\s+\w+|\b(?:first|second|third|past|final)\s+(?:time|round|game"
    r"|year|month)s?\b|\b(?:yesterday|previously|earlier|ago|back\s+then|once|before|when|the\s+day)\b|\bin\s+the\s+past\b"
    r"|^\W*then\b"
    r"|\bthen\W*$",
    re.IGNORECASE,
)
_WISH = re.compile(r"\b(?:like|want|prefer|need|inclined|hope|tend)\b", re.IGNORECASE)
_DISAPPOINTED = re.compile(r"\b(?:but|yet|however|unfortunately)\b", re.IGNORECASE)
_DENIAL_BEFORE = re.compile(
    r"(?:n't|\b(?:not|never|nor|if|whether|unless|before|after|until|once|than|where|in which|while|how"
    r"|would|should|could|can|will|do|did|may"
    r"|might|must|shall|doubt|unlikely|reason|risk|danger|temptation|thought|idea|advice|rule|case"
    r"|no way|(?:could|might|may|can) be \w+)(?:,? (?:why|is))?)"
    r"(?: (?:think|believe|say|know|sure))?(?: that| if| whether)?\s*:?\s*$",
    re.IGNORECASE,
)
# "One approach is that I choose C", "so that I choose C"; not "my decision is that" or "I am sure that".
_THAT = re.compile(r"\bthat\s*$", re.IGNORECASE)
_OWN_THAT = re.compile(
    r"\b(?:(?:i|we)(?:'m|'ve|\s+(?:am|have|do|will|would|must|can|can't|cannot|really|still|also|only|\w+ly))*\s+"
    r"(?:think|believe|decided?|feel|guess|say|suppose|hope|conclude|know|sure|certain|convinced|confident|afraid|determined)"
    r"|(?:decision|choice|answer|conclusion|result|upshot)\s+is|clear)\s+that\s*$",
    re.IGNORECASE,
)
_KNOWN_DUTY = re.compile(r"\bknow(?: that)?\s*$", re.IGNORECASE)
_SPEAKS = (
    r"(?:(?:think|believe|expect|know|assume|hope|guess|suppose|say|predict|want|fear|hear|see|tell|promise|claim|argue"
    r"|insist|ask|advise|suggest|recommend|urge|warn|reply|answer|state|declare|swear|write|read|whisper|shout|announce"
    r"|propose|demand|text|signal|hint)(?:e?[sd]|ing)?|said|thought|told|knew|wrote|swore|heard|saw)"
)
_OTHERS_WORDS = re.compile(
    r"\b\w+(?:\s+(?:will|would|may|might|could|also|probably|really|still|strongly|do|can|'d|'ll|had|have|has))*"
    rf"\s+{_SPEAKS}(?:\s+(?:me|us|you|him|her|them|everyone))?(?:\s+that)?\s*[:,]?\s*$",
    re.IGNORECASE,
)
# "I think", "after some thought"; not "I promised".
_OWN_THOUGHT = re.compile(
    r"(?:i\s+(?:\w+\s+){0,2}?(?:think|thought|believe|guess|suppose|say|know|hope|assume|expect)"
    r"|(?:some|careful|further|more|much|second|deep|long)\s+thought)\b(?!\s+(?:me|us|you|him|her|them)\b)",
    re.IGNORECASE,
)
_SCENARIO_BEFORE = re.compile(
    rf"(?:(?<!not )(?<!n't )(?<!never )(?<!would )(?<!could )(?<!might )\b{_PLAYS}(?:\s+\S+)?\s*(?:,|and|while|:)*"
    rf"|\b{_OTHERS}\s+(?:\w+\s+)?{_PLAYS}(?:\s+\S+)?\s*(?:,|and|but|while|:)*)\s*$",
    re.IGNORECASE,
)
_REASON = re.compile(r"^\W*(?:since|because|as)\b", re.IGNORECASE)
_RETRACTION = re.compile(
    r"^\W*(?:(?:but )?only if|if|unless|when|whenever|where|wherever|as long as|provided|assuming|depending|always)\b"
    rf"|^\W*(?:and|but|while|,)*\s*{_OTHERS}\s+(?:also\s+)?(?:{_PLAYS}|do|does)\b"
    rf"|^\s*(?:\w+\s+)?{_ELSEWHERE}|^\W*(?:on\s+the\s+other\s+hand|(?:by|in)\s+contrast|never)\b",
    re.IGNORECASE,
)
_WOULD_RETRACTION = re.compile(rf"^\s*(?:only\s+|just\s+)?{_WITH_OTHERS}", re.IGNORECASE)
# "I choose C: 3 points", "I choose C → 3", "C (50%)".
_PAYOFF = re.compile(r"^[\"']?\s*(?:[:=(,]|→|->|=>)\s*(?:\+|-|\$|i\s+(?:would\s+)?get\s+)?\d", re.IGNORECASE)
# "I choose C and get 3", "I choose C, we both get 3": of a possible choice, unless it concludes or says what will be.
_GETS = re.compile(
    r"^\W*(?:(?:and|then|so|or)\s+)*(?:(?:i|we|you|they|he|she|both|each|would|will|'d|'ll|only|can|may|either|of|us)\W+)*"
    r"(?:get|receive|earn|lose|win|gain|score|end\s+up\s+with)s?\s+(?:\S+\s+){0,3}?\$?\d",
    re.IGNORECASE,
)
_IN_THE_END = re.compile(r"\b(?:in the end|overall|ultimately|in conclusion|all things considered)\b", re.IGNORECASE)
_WILL = re.compile(r"\b(?:will|going\s+to|decided)\b|'ll\b", re.IGNORECASE)
_MIXED = re.compile(
    r"^\W*(?:with\s+(?:\w+\s+){0,2}?(?:probability|chance|likelihood|odds|\d+(?:\.\d+)?\s*%|0?\.\d)|at\s+random"
    r"|(?:about\s+)?\d+(?:\.\d+)?\s*(?:%|percent|times\s+out|out\s+of)|(?:half|most|some)\s+(?:of\s+)?the\s+time|sometimes)"
    r"|^\s*\(\s*\d+(?:\.\d+)?\s*%",
    re.IGNORECASE,
)
_CHANCE = re.compile(
    r"\d\s*(?:%|percent)|\b(?:probability|chance|likelihood|odds)\b|\d\s+(?:times\s+)?(?:out\s+)?of\s+\d+\s+(?:cases|times)?\s*$"
    r"|\bout\s+of\s+\w+\s+(?:times|cases|rounds|games)\b|\btimes\s+out\s+of\b|\bon\s+an?\s+(?:one|two|three|four|five|six|head|tail)s?\s*,?\s*$",
    re.IGNORECASE,
)
_REACH = 300
"""Characters on either side of a phrase that can frame it."""


def is_asserted(sentence: str, start: int, end: int) -> bool:
    """Whether the player asserts sentence[start:end], judging by the words in it and around it.

    A condition ends at a conclusion: "If they defect I lose, so I choose D" asserts D. The rest of the sentence can
    retract the clause: "I choose C if they do" asserts nothing.
    """
    before, said, after = sentence[max(0, start - _REACH) : start], sentence[start:end], sentence[end : end + _REACH]
    if sentence.rstrip("\"') ").endswith("?") or _DENIAL_BEFORE.search(before) or _COUNTERFACTUAL.search(said):
        return False
    if (speech := _OTHERS_WORDS.search(before)) and not _OWN_THOUGHT.match(speech[0]):
        return False
    if _THAT.search(before) and not _OWN_THAT.search(before):
        return False
    if _KNOWN_DUTY.search(before) and re.search(r"\bshould\b", said):
        return False
    before = _ALL_CASES.sub("", _EMPTY_CONDITION.sub("", before))
    framing = _CONCLUSION.split(before)[-1]
    if (
        (_SCENARIO_BEFORE.search(before) and not _REASON.match(before))
        or _CONDITION.search(framing)
        or _WEIGHED.search(framing)
    ):
        return False
    if _ROUNDS.search(framing) or _ROUNDS.search(after):
        return False
    if _PAST.search(said) and (_MEMORY.search(framing) or _MEMORY.search(after)):
        return False
    if _WISH.search(said) and _DISAPPOINTED.search(after):
        return False
    if _WOULD.search(said) and (_WOULD_ELSEWHERE.search(framing) or _WOULD_RETRACTION.search(after)):
        return False
    after = _EMPTY_CONDITION.sub("", after)
    if _RETRACTION.search(after):
        return False
    if re.fullmatch(r"\W*\w+\W*", said):  # a label that the reply begins with: its reasons may be payoffs
        return True
    possible = not (_WILL.search(said) or framing != before)
    return not (_PAYOFF.search(after) or (possible and _GETS.search(after)))


def is_mixed(sentence: str, start: int, end: int) -> bool:
    """Whether sentence[start:end] is chosen with a probability, or some of the time."""
    before = _CONCLUSION.split(sentence[max(0, start - _REACH) : start])[-1]
    return bool(_CHANCE.search(before) or _MIXED.search(sentence[end : end + _REACH]))


def is_past(said: str) -> bool:
    """Whether a statement tells what was chosen: "I picked D", but not "I have picked D"."""
    return bool(_PAST.search(said)) and not re.search(r"\b(?:have|am|'ve|'m)\b|'ve\b|'m\b", said, re.IGNORECASE)


def is_decided(sentence: str, start: int, end: int) -> bool:
    """Whether sentence[start:end] says what the player does or will do, or concludes: "so I would choose C"."""
    before, said = sentence[max(0, start - _REACH) : start], sentence[start:end]
    return not (_WOULD.search(said) or is_past(said)) or bool(_CONCLUSION.search(before) or _IN_THE_END.search(before))


_QUOTED = re.compile(r'"([^"\n]{6,400})"')
_SPEECH = re.compile(r"\b(?:I|my|choose|pick|select|play|go\s+with|give|donate|claim)\b", re.IGNORECASE)
# "Many would answer ..."; not "I would answer ...".
_OTHERS_ANSWER = re.compile(
    r"\b(?!(?:i|we)\b)\w+\s+(?:would|will|might|could|may|should)\s+(?:\w+ly\s+)?(?:answer|respond|say)\W*$",
    re.IGNORECASE,
)
_OWN_SPEECH = re.compile(
    r"(?:^|\b(?:choice|letter|answer|decision|selection|response|donation|amount|number)|\bI\s+say)\W*(?:(?:is|would\s+be)\W*)?$",
    re.IGNORECASE,
)


def hide_quotations(text: str) -> str:
    """The text without what others are quoted to say; a quotation that is the whole reply, or the answer, stays."""

    def hidden(quoted: re.Match) -> str:
        before, after = text[max(0, quoted.start() - 60) : quoted.start()], text[quoted.end() : quoted.end() + 60]
        own = (
            _OWN_SPEECH.search(before)
            and not _OTHERS_ANSWER.search(before)
            and (before.strip() or not re.search(r"\w", after))
        )
        return quoted[0] if own or not _SPEECH.search(quoted[1]) else '"..."'

    return _QUOTED.sub(hidden, text)
