"""Equations of pages, from LaTeX to MathML."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup


@cache
def mathml(latex: str) -> Markup:
    """Return a display equation as MathML."""
    from latex2mathml.converter import convert

    return Markup(convert(latex, display="block"))  # noqa: S704 - equations of `ml` only


def lines(latex: str) -> list[str]:
    r"""Split an equation at its `, \quad` into lines."""
    return [part.strip().rstrip(",").rstrip() for part in latex.split(r"\quad")]
