"""What may stand where, what may serve what, and who is asked the check question: facts about kinds, no rows."""

from consult.concept.models import ConceptKind, ElementKind

_K = ElementKind

#: Kind -> the kinds it may stand below; None is the top of the text.
PARENTS: dict[str, tuple[str | None, ...]] = {
    _K.chapter: (None, _K.chapter),
    _K.paragraph: (None, _K.chapter),
    _K.theme: (None,),
    _K.goal: (_K.theme, None),
    _K.sub_goal: (_K.goal,),
    _K.field: (None,),
    _K.need: (_K.field,),
    _K.measure_group: (_K.field,),
    _K.measure: (_K.measure_group, _K.field),
    _K.example: (_K.field,),
}

#: The charter is prose.
CHARTER_KINDS: tuple[str, ...] = (_K.chapter, _K.paragraph)

#: Kind -> (the text in which it finds what it serves, the kinds it may serve): charter <- goal <- measure.
SERVES: dict[str, tuple[ConceptKind, tuple[str, ...]]] = {
    _K.goal: (ConceptKind.charter, CHARTER_KINDS),
    _K.sub_goal: (ConceptKind.charter, CHARTER_KINDS),
    _K.measure: (ConceptKind.concept, (_K.goal, _K.sub_goal)),
}

#: Who says for whom it is meant, whom it favours, and whom it puts at a disadvantage.
CHECKED: tuple[str, ...] = (_K.goal, _K.sub_goal, _K.measure)
CHECK_QUESTION = ("favours", "disadvantages")


def may_stand(kind: str, parent: str | None, concept: str) -> bool:
    """Whether an element of this kind may stand below one of `parent` (None: at the top) in such a concept."""
    if concept == ConceptKind.charter and kind not in CHARTER_KINDS:
        return False
    return parent in PARENTS[kind]


def kinds_below(parent: str | None, concept: str) -> list[str]:
    """The kinds that may stand below one of this kind (None: at the top), in the order people know them."""
    return [kind for kind in ElementKind if may_stand(kind, parent, concept)]
