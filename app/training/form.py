"""Holds a request to the published launch form: names, ranges, choices; fills the defaults in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Busy, Unprocessable
from app.db import capabilities

Fields = Mapping[str, dict[str, Any]]
MOST = 1e15  # of any number, where its field says none
NOT_YET = "No worker has said yet what it can train; try again in a few seconds."


class Form:
    """The launch form as a worker published it."""

    def __init__(self, published: dict[str, Any]) -> None:
        self.published = published
        self.fields: Fields = _by_name(published["fields"])
        self.clips = clips_of(published)
        self.clip_fields: Fields = {**self.fields, **_by_name(self.clips["fields"])}
        self.mechanisms: Fields = {entry["name"]: entry for entry in published["mechanisms"]}

    def names(self, asked: list[str] | None) -> list[str]:
        """Return mechanisms in row order, by default all; Unprocessable for an unknown one."""
        for name in asked or ():
            if name not in self.mechanisms:
                known = ", ".join(self.mechanisms)
                raise Unprocessable(f"mechanisms: there is no {name}; there are {known}.")
        ordered = sorted(self.mechanisms.values(), key=lambda entry: entry["position"])
        return [entry["name"] for entry in ordered if asked is None or entry["name"] in asked]

    def config(
        self,
        mechanism: str,
        touched: Mapping[str, Any],
        parameters: Mapping[str, Any],
        seed: int = 0,
        kind: str = "images",
    ) -> dict[str, Any]:
        """Return a whole configuration: what was touched, over the recipe, over the defaults.

        `kind` is the dataset's: `images` or `clips`.
        """
        entry, clips = self.mechanisms[mechanism], kind == "clips"
        recipes = self.clips["recipes"] if clips else {mechanism: entry.get("recipe", {})}
        recipe, fields = recipes.get(mechanism, {}), self.clip_fields if clips else self.fields
        chosen = self._checked(touched, fields)
        start = chosen.get("start", self._default("start"))
        whole = {name: field["default"] for name, field in fields.items()}
        whole |= {"stages": list(self.published["stages"])}
        if start == "scratch":  # a recipe for fine-tuning says nothing of random weights
            adamw = chosen.get("optimiser") == "adamw"
            whole |= self.published["scratch_adamw" if adamw else "scratch"]
        else:
            whole |= {name: value for name, value in recipe.items() if name in whole}
        whole |= chosen
        own = {field["name"]: field for field in entry["parameters"]}
        whole["parameters"] = {
            **recipe.get("parameters", {}),
            **check(own, parameters, f"parameters.{mechanism}"),
        }
        return {**whole, "mechanism": mechanism, "seed": seed}

    def _checked(self, touched: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
        stages = touched.get("stages")
        plain = {name: value for name, value in touched.items() if name != "stages"}
        chosen = check(fields, plain, "config")
        if stages is not None:
            chosen["stages"] = self._stages(stages)
        return chosen

    def _stages(self, asked: Any) -> list[str]:
        known = list(self.published["stages"])
        wrong = not isinstance(asked, list) or not asked
        if wrong or any(stage not in known for stage in asked):
            raise Unprocessable(f"config.stages: one or more of {', '.join(known)}.")
        return [stage for stage in known if stage in asked]

    def _default(self, name: str) -> Any:
        return self.fields[name]["default"] if name in self.fields else None


def clips_of(published: dict[str, Any]) -> dict[str, Any]:
    """Return what a form says of clips: nothing, where a worker before there were any wrote it."""
    said: dict[str, Any] = published.get("clips", {"fields": [], "recipes": {}})
    return said


def _by_name(fields: Iterable[dict[str, Any]]) -> Fields:
    return {field["name"]: field for field in fields}


def read(session: Session) -> Form:
    """Return the published form; Busy while there is none."""
    published = capabilities.get(session, capabilities.TRAINING)
    if published is None:
        raise Busy(NOT_YET, retry_after=2)
    return Form(published)


def check(fields: Fields, values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return the values as their fields' types; Unprocessable says which is wrong, and how."""
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise Unprocessable(f"{place}: there is no {name}; there are {_listed(fields)}.")
        checked[name] = _value(fields[name], value, f"{place}.{name}")
    return checked


def _value(field: dict[str, Any], value: Any, place: str) -> Any:
    match field["type"]:
        case "bool":
            if not isinstance(value, bool):
                raise Unprocessable(f"{place}: true or false.")
            return value
        case "choice":
            if value not in field["choices"]:
                raise Unprocessable(f"{place}: one of {_listed(field['choices'])}.")
            return value
        case kind:
            return _number(field, value, place, whole=kind == "int")


def _number(field: dict[str, Any], value: Any, place: str, *, whole: bool) -> int | float:
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST:
        raise Unprocessable(f"{place}: {kind}.")
    if whole and value != int(value):
        raise Unprocessable(f"{place}: {kind}.")
    least, most = field.get("min"), field.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = [f"at least {least}" if least is not None else ""]
        bounds.append(f"at most {most}" if most is not None else "")
        raise Unprocessable(f"{place}: {kind}, {' and '.join(filter(None, bounds))}.")
    return int(value) if whole else float(value)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))
