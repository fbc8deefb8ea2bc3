"""How maps are drawn: what every picture, figure, film and export takes from its query."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from app.jobs.parameters import Scale
from app.web.analyses.drawing.colormaps import DEFAULT, Colormap, tables

NAMES = r"^[a-z0-9][a-z0-9_-]{0,63}(,[a-z0-9][a-z0-9_-]{0,63}){0,31}$"


def _distinct(names: str) -> str:
    """Return comma-separated names, each once."""
    return ",".join(dict.fromkeys(names.split(",")))


Names = Annotated[str, Field(pattern=NAMES), AfterValidator(_distinct)]


class Look(BaseModel):
    """Colours, scale and rows."""

    colormap: Colormap = Field(
        default=DEFAULT, description="A diverging one shows evidence against as well."
    )
    scale: Scale = Field(
        default="map",
        description="What the last colour stands for: the maximum of this map, of its row, of all "
        "maps of this method, or an absolute value.",
    )
    smooth: bool = Field(default=True, description="False shows the map's own cells.")
    threshold: float = Field(
        default=0.0, ge=0, le=1, description="Share of the scale below which nothing is drawn."
    )
    grey: bool = Field(default=False, description="Without the colours of what lies below.")
    models: Names | None = Field(
        default=None,
        description="Ids, separated by commas: the rows, in this order; left out: all of them. "
        "The scales `row` and `shared` are over their maps only.",
    )

    @property
    def signed(self) -> bool:
        """Whether evidence against is drawn too."""
        return tables()[self.colormap].diverging

    @property
    def rows(self) -> list[str] | None:
        """The models, or None for all."""
        return None if self.models is None else self.models.split(",")

    def for_job(self) -> dict[str, Any]:
        """Return the parameters of a job that draws."""
        return self.model_dump() | {"models": self.rows, "signed": self.signed}
