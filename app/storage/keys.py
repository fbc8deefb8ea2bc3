"""The name of every blob.

| folder | holds |
|---|---|
| `media/{medium}` | the upload, what is made of it to show, and a clip's computed flow |
| `maps/{analysis}` | maps; of a clip also frames and mean flow of its snippets |
| `figures/{analysis}` | drawn figures and films |
| `datasets/{dataset}` | the index, the images or clips, small views of them |
| `runs/{run}` | what a training run leaves: its model, and arrays of every epoch |
| `models/{model}` | an imported model |
"""

from __future__ import annotations

MEDIA = "media"
MAPS = "maps"
FIGURES = "figures"
DATASETS = "datasets"
RUNS = "runs"
IMPORTS = "models"

# Blobs that no row names: they live as long as the row that their folder is called after.
CLIP_FLOW = "flow-"
FRAME_TIMES = "times.json"
SNIPPET_FRAME = "frame-"
MEAN_FLOW = "flow.npy"


def media_folder(media_id: str) -> str:
    """Return the folder of a photo or clip."""
    return f"{MEDIA}/{media_id}"


def original(media_id: str) -> str:
    """Return the file as it was uploaded."""
    return f"{MEDIA}/{media_id}/original"


def view(media_id: str) -> str:
    """Return the JPEG that pages show: the photo, or a clip's poster."""
    return f"{MEDIA}/{media_id}/view.jpg"


def playable(media_id: str) -> str:
    """Return the copy of a clip that every browser plays."""
    return f"{MEDIA}/{media_id}/playable.mp4"


def frame_times(media_id: str) -> str:
    """Return the JSON with the times at which a clip's frames are shown."""
    return f"{MEDIA}/{media_id}/{FRAME_TIMES}"


def clip_flow(media_id: str, digest: str) -> str:
    """Return the NPY of every flow field of a clip's snippets; `digest` says which snippets."""
    return f"{MEDIA}/{media_id}/{CLIP_FLOW}{digest}.npy"


def map_folder(analysis_id: str) -> str:
    """Return the folder of the maps that were computed for an analysis."""
    return f"{MAPS}/{analysis_id}"


def track(analysis_id: str, model: str, stage: str, method: str, stream: str | None) -> str:
    """Return the NPY of one map of a photo (no `stream`), or one track of maps of a clip."""
    name = "-".join((model, *([stream] if stream else []), stage, method))
    return f"{MAPS}/{analysis_id}/{name}.npy"


def snippet_frame(analysis_id: str, snippet: int) -> str:
    """Return the JPEG of a snippet's middle frame."""
    return f"{MAPS}/{analysis_id}/{SNIPPET_FRAME}{snippet}.jpg"


def mean_flow(analysis_id: str) -> str:
    """Return the NPY of the snippets' mean flow."""
    return f"{MAPS}/{analysis_id}/{MEAN_FLOW}"


def figure_folder(analysis_id: str) -> str:
    """Return the folder of an analysis's figures and films."""
    return f"{FIGURES}/{analysis_id}"


def figure(analysis_id: str, digest: str, file_format: str) -> str:
    """Return a figure or film; `digest` says how it is drawn."""
    return f"{FIGURES}/{analysis_id}/{digest}.{file_format}"


def dataset_folder(dataset_id: str) -> str:
    """Return the folder with all of a dataset."""
    return f"{DATASETS}/{dataset_id}"


def dataset_staged(dataset_id: str) -> str:
    """Return the JSON of what an import has read and waits for a decision with."""
    return f"{DATASETS}/{dataset_id}/staged.json"


def dataset_archive(dataset_id: str) -> str:
    """Return the uploaded archive, which waits for its import."""
    return f"{DATASETS}/{dataset_id}/archive"


def dataset_index(dataset_id: str) -> str:
    """Return the JSON that lists a dataset's images."""
    return f"{DATASETS}/{dataset_id}/index.json"


def dataset_image(dataset_id: str, n: int) -> str:
    """Return one image or clip of a dataset, by its number."""
    return f"{DATASETS}/{dataset_id}/{n:06d}"


def dataset_view(dataset_id: str, n: int, size: str) -> str:
    """Return the small JPEG of an image or clip of a dataset."""
    return f"{DATASETS}/{dataset_id}/views-{size}/{n:06d}.jpg"


def run_folder(run_id: str) -> str:
    """Return the folder of a training run's results."""
    return f"{RUNS}/{run_id}"


def run_model(run_id: str) -> str:
    """Return the checkpoint that a run ended with."""
    return f"{RUNS}/{run_id}/model.safetensors"


def run_card(run_id: str) -> str:
    """Return the card of the run's checkpoint."""
    return f"{RUNS}/{run_id}/model.json"


def run_predictions(run_id: str, epoch: int) -> str:
    """Return the NPY of what the validation images were taken for after an epoch."""
    return f"{RUNS}/{run_id}/predictions-{epoch:04d}.npy"


def run_probes(run_id: str, epoch: int, method: str) -> str:
    """Return the NPY of the watched images' maps after an epoch."""
    return f"{RUNS}/{run_id}/probes-{epoch:04d}-{method}.npy"


def run_worst(run_id: str, method: str) -> str:
    """Return the NPY of the maps of a run's worst mistakes."""
    return f"{RUNS}/{run_id}/worst-{method}.npy"


def import_folder(model_id: str) -> str:
    """Return the folder of an imported model."""
    return f"{IMPORTS}/{model_id}"


def imported_model(model_id: str) -> str:
    """Return the checkpoint of an imported model."""
    return f"{IMPORTS}/{model_id}/model.safetensors"


def imported_card(model_id: str) -> str:
    """Return the card of an imported model."""
    return f"{IMPORTS}/{model_id}/model.json"
