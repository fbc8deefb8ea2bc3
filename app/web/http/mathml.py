"""Equations for the pages: LaTeX in, MathML out, drawn by the browser itself."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup


@cache
def mathml(latex: str) -> Markup:
    """Return a display equation. The library is imported by the first page that needs it."""
    from latex2mathml.converter import convert

    return Markup(convert(latex, display="block"))  # noqa: S704 - our own equations only


def lines(latex: str) -> list[str]:
    r"""Split an equation of several parts at its `, \quad`, one a line."""
    return [part.strip().rstrip(",").rstrip() for part in latex.split(r"\quad")]
