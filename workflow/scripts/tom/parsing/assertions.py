"""Whether a clause asserts the player's own choice: not a condition, a negation, a question, or another's view."""

import re

_CONDITION = re.compile(
    r"^\s*then\b|\b(?:if|unless|when|whenever|suppose|supposing|assuming|imagine|in case|provided|as long as"
    r"|(?:^|[,;]\s*|and\s+|or\s+)otherwise|in that case|should (?:they|he|she|the|my)|were (?:they|he|she|the|my))\b",
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
_DENIAL_BEFORE = re.compile(
    r"(?:n't|\b(?:not|never|nor|if|whether|unless|before|after|until|once|than|would|should|could|can|will|do|did|may"
    r"|might|must|shall|doubt|unlikely))(?: (?:think|believe|say|know|sure))?(?: that| if| whether)?\s*$",
    re.IGNORECASE,
)
_OTHERS_WORDS = re.compile(
    r"\b(?P<who>\w+)(?:\s+(?:will|would|may|might|could|also|probably|really|still|strongly|do|can|'d|'ll))*\s+"
    r"(?:(?:think|believe|expect|know|assume|hope|guess|suppose|say|predict|want|fear|hear|see)(?:s|ing)?|said|thought)"
    r"(?: that)?\s*[:,]?\s*$",
    re.IGNORECASE,
)
_PLAYS = r"(?:choose|pick|select|play|cooperate|defect|give|donate|contribute)s?"
_SCENARIO_BEFORE = re.compile(
    rf"(?<!not )(?<!n't )(?<!never )\b{_PLAYS}(?:\s+\S+)?\s*(?:,|and|but|while|:)*\s*$", re.IGNORECASE
)
_RETRACTION = re.compile(
    r"^\W*(?:(?:but )?only if|if|unless|when|whenever|as long as|provided|assuming|depending)\b"
    r"|^\W*(?:and|but|while|,)*\s*(?:they|he|she|you|the other(?:s| \w+)?|my (?!choice|answer)\w+)\s+(?:also\s+)?"
    rf"(?:{_PLAYS}|do|does)\b",
    re.IGNORECASE,
)


def is_asserted(sentence: str, start: int, end: int) -> bool:
    """Whether the player asserts sentence[start:end], judging by the words around it.

    A condition ends at a conclusion: "If they defect I lose, so I choose D" asserts D. The rest of the sentence can
    retract the clause: "I choose C if they do" asserts nothing.
    """
    before, after = sentence[:start], sentence[end:]
    if sentence.rstrip("\"') ").endswith("?") or _DENIAL_BEFORE.search(before):
        return False
    if (said := _OTHERS_WORDS.search(before)) and said["who"].lower() != "i":
        return False
    before = _ALL_CASES.sub("", _EMPTY_CONDITION.sub("", before))
    if _SCENARIO_BEFORE.search(before) or _CONDITION.search(_CONCLUSION.split(before)[-1]):
        return False
    return not _RETRACTION.search(_EMPTY_CONDITION.sub("", after))
