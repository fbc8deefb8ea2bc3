"""Checks a launch request against the published launch form, and fills in the defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from sqlalchemy.orm import Session

from app.core.errors import Busy, Unprocessable
from app.db import capabilities
from app.db.documents import ClipForm, Field, LaunchForm, Mechanism, RunConfig

Fields = Mapping[str, Field]
LIMIT = 1e15  # of every number
NO_CLIPS: ClipForm = {"fields": [], "recipes": {}}
NOT_YET = "No worker has said yet what it can train; try again in a few seconds."


class Form:
    """The launch form as a worker published it."""

    def __init__(self, published: LaunchForm) -> None:
        self.published = published
        self.fields = _by_name(published["fields"])
        self.clips = clips_of(published)
        self.clip_fields: Fields = {**self.fields, **_by_name(self.clips["fields"])}
        self.mechanisms: Mapping[str, Mechanism] = {
            mechanism["name"]: mechanism for mechanism in published["mechanisms"]
        }

    def names(self, chosen: Collection[str] | None) -> list[str]:
        """Return the chosen mechanisms (None: all) in row order; Unprocessable for others."""
        for name in chosen or ():
            if name not in self.mechanisms:
                known = ", ".join(self.mechanisms)
                raise Unprocessable(f"mechanisms: there is no {name}; there are {known}.")
        ordered = sorted(self.mechanisms.values(), key=lambda mechanism: mechanism["position"])
        return [entry["name"] for entry in ordered if chosen is None or entry["name"] in chosen]

    def config(
        self,
        mechanism: str,
        touched: Mapping[str, Any],
        parameters: Mapping[str, Any],
        seed: int = 0,
        kind: str = "images",
    ) -> RunConfig:
        """Return a whole configuration: touched fields over the recipe over the defaults.

        Args:
            mechanism: Name of the mechanism.
            touched: The fields that the request sets, by name.
            parameters: The parameters of the mechanism that the request sets, by name.
            seed: Seed of the run.
            kind: The dataset's: `images` or `clips`.

        Raises:
            Unprocessable: A field or parameter is unknown, or its value is wrong.
        """
        entry, clips = self.mechanisms[mechanism], kind == "clips"
        recipes = self.clips["recipes"] if clips else {mechanism: entry.get("recipe", {})}
        recipe, fields = recipes.get(mechanism, {}), self.clip_fields if clips else self.fields
        checked = self._checked(touched, fields)
        config: dict[str, Any] = {name: field["default"] for name, field in fields.items()}
        config |= {"stages": list(self.published["stages"])}
        start = self.fields["start"]["default"] if "start" in self.fields else None
        if checked.get("start", start) == "scratch":  # a recipe is for fine-tuning
            adamw = checked.get("optimiser") == "adamw"
            config |= self.published["scratch_adamw" if adamw else "scratch"]
        else:
            config |= {name: value for name, value in recipe.items() if name in config}
        config |= checked
        config["parameters"] = {
            **recipe.get("parameters", {}),
            **check(_by_name(entry["parameters"]), parameters, f"parameters.{mechanism}"),
        }
        return cast("RunConfig", {**config, "mechanism": mechanism, "seed": seed})

    def _checked(self, touched: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
        stages = touched.get("stages")
        checked = check(fields, {k: v for k, v in touched.items() if k != "stages"}, "config")
        if stages is not None:
            checked["stages"] = self._stages(stages)
        return checked

    def _stages(self, stages: Any) -> list[str]:
        known = self.published["stages"]
        if not isinstance(stages, list) or not stages or any(s not in known for s in stages):
            raise Unprocessable(f"config.stages: one or more of {_listed(known)}.")
        return [stage for stage in known if stage in stages]


def clips_of(form: LaunchForm) -> ClipForm:
    """Return the form's part for clips; it is empty in forms that are older than clips."""
    return form.get("clips", NO_CLIPS)


def _by_name(fields: Iterable[Field]) -> Fields:
    return {field["name"]: field for field in fields}


def read(session: Session) -> Form:
    """Return the published form; Busy if there is none yet."""
    published = capabilities.launch_form(session)
    if published is None:
        raise Busy(NOT_YET, retry_after=2)
    return Form(published)


def check(fields: Fields, values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return the values in their fields' types.

    Args:
        fields: The fields that may be set, by name.
        values: The values to check, by name.
        place: Where the values are in the request, for the error text.

    Raises:
        Unprocessable: A name is unknown or a value is wrong; the text says which.
    """
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise Unprocessable(f"{place}: there is no {name}; there are {_listed(fields)}.")
        checked[name] = _value(fields[name], value, f"{place}.{name}")
    return checked


def _value(field: Field, value: Any, place: str) -> Any:
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


def _number(field: Field, value: Any, place: str, *, whole: bool) -> int | float:
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LIMIT:
        raise Unprocessable(f"{place}: {kind}.")
    if whole and value != int(value):
        raise Unprocessable(f"{place}: {kind}.")
    least, most = field.get("min"), field.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = [f"at least {least}"] if least is not None else []
        bounds += [f"at most {most}"] if most is not None else []
        raise Unprocessable(f"{place}: {kind}, {' and '.join(bounds)}.")
    return int(value) if whole else float(value)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))
