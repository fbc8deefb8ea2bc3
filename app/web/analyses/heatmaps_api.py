"""Maps: the record, the numbers, the array, the picture."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from app.jobs.parameters import Scale
from app.web.analyses import rendering, schemas
from app.web.analyses.drawing.colormaps import DEFAULT, Colormap
from app.web.http.deps import StateDep
from app.web.http.parameters import PathId, binary, errors

router = APIRouter(prefix="/heatmaps", tags=["heatmaps"])
NPY = "application/octet-stream"


class Picture(BaseModel):
    """How to draw the map."""

    size: int = Field(default=448, ge=32, le=2048, description="Longest side, in pixels.")
    colormap: Colormap = Field(
        default=DEFAULT, description="A diverging one shows evidence against as well."
    )
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="Opacity; left out: 1, or 0.55 over the photo."
    )
    overlay: bool = Field(
        default=False, description="Over what the model saw of the photo, in the photo's shape."
    )
    scale: Scale = Field(
        default="map",
        description="What the last colour stands for: the maximum of this map, of its row, of all "
        "maps of this method, or an absolute value.",
    )
    smooth: bool = Field(default=True, description="False shows the map's own cells.")
    channel: str = Field(
        default="mean",
        pattern=r"^(mean|max|l2|[0-9]{1,4})$",
        description="Of `attention-channels`: mean, max or L2 norm over channels, or one channel.",
    )


@router.get(
    "/{heatmap_id}.npy",
    response_class=Response,
    summary="The map as a NumPy file",
    responses={
        200: binary(NPY, "NPY, float16 (float32 where that is too coarse), [h, w] or [c, h, w]."),
        304: {},
        **errors(404),
    },
)
async def get_npy(heatmap_id: PathId, request: Request, web: StateDep) -> Response:
    """Raw values at the map's own grid; `numpy.load` reads them."""
    make = partial(rendering.array, web)
    return await rendering.serve(request, web, heatmap_id, NPY, make)


@router.get(
    "/{heatmap_id}.png",
    response_class=Response,
    summary="The map drawn",
    responses={200: binary("image/png", "The picture."), 304: {}, **errors(404)},
)
async def get_png(
    heatmap_id: PathId, request: Request, web: StateDep, style: Annotated[Picture, Query()]
) -> Response:
    """The map in colour, alone in the shape that the model saw, or over the photo."""
    make = partial(rendering.picture, web, style=rendering.PictureStyle(**style.model_dump()))
    return await rendering.serve(request, web, heatmap_id, "image/png", make)


@router.get(
    "/{heatmap_id}",
    response_class=Response,
    summary="A map's record",
    responses={200: {"model": schemas.HeatmapWithValues}, 304: {}, **errors(404)},
)
async def get_heatmap(
    heatmap_id: PathId,
    request: Request,
    web: StateDep,
    values: Annotated[bool, Query(description="Include the values, row by row.")] = False,
) -> Response:
    """Where the map was taken, its range, sum and entropy; with `values=true` the numbers too."""
    make = partial(rendering.record, web, values=values)
    return await rendering.serve(request, web, heatmap_id, "application/json", make)
