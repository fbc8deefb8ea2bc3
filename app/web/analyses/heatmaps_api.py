"""Maps: the record, the numbers, the array, the picture."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.web.analyses import rendering, schemas
from app.web.analyses.rendering import Picture
from app.web.http.deps import StateDep
from app.web.http.parameters import PathId, binary, errors

router = APIRouter(prefix="/heatmaps", tags=["heatmaps"])
NPY = "application/octet-stream"


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
    responses={200: binary("image/png", "The picture."), 304: {}, **errors(404, 503)},
)
async def get_png(
    heatmap_id: PathId, request: Request, web: StateDep, style: Annotated[Picture, Query()]
) -> Response:
    """The map in colour, alone in the shape that the model saw, or over the photo."""
    make = partial(rendering.picture, web, style=style)
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
