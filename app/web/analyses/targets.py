"""The class that evidence is for: from a request to what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import Unprocessable
from app.db.documents import Card
from app.db.targets import TOP, NamedClass, Target, alike, name_of
from app.web.analyses.schemas import IndexedClass


def stored(target: int | str | NamedClass | IndexedClass, cards: Sequence[Card]) -> Target:
    """Return the target as the models know it: `top`, an index, or the class name as written.

    Equal requests get the same, the shortest form: only a class that is called `top` needs more
    than its name. One model that has the class is enough. Unprocessable if none has it.
    """
    if target == TOP:
        return TOP
    most = max(cards, key=lambda card: len(card["classes"]))
    if isinstance(target, IndexedClass):
        target = target.index
    if isinstance(target, int):
        if not 0 <= target < len(most["classes"]):
            raise Unprocessable(
                f"target: {most['id']} has the classes 0 to {len(most['classes']) - 1}."
            )
        return target
    name = name_of(target)
    spelled = {known for card in cards for known in card["classes"] if alike(known, name)}
    if not spelled:
        some = ", ".join(most["classes"][:10])
        raise Unprocessable(f"target: {most['id']} has no class {name!r}; it has {some} ...")
    name = spelled.pop() if len(spelled) == 1 else name
    return {"class": TOP} if name == TOP else name
