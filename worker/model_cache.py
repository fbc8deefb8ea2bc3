"""Loaded models, kept in memory for the lifetime of the worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.core.errors import NotFound
from app.core.settings import Settings
from ml import catalogue
from ml.errors import MlError
from ml.explain.clip import LoadedClipModel
from ml.explain.photo import LoadedModel

Loaded = LoadedModel | LoadedClipModel
log = logging.getLogger(__name__)


class ModelCache:
    """Models that can be asked for, loaded on first use. Not thread-safe.

    Args:
        settings: For the device, the folders of weights and `LOAD_AHEAD`.
        find: Returns the entry of a model that an admin has published, or None.
    """

    def __init__(
        self, settings: Settings, find: Callable[[str], catalogue.CatalogueEntry | None]
    ) -> None:
        self.device = catalogue.default_device(settings.device)
        self.entries = {entry.id: entry for entry in catalogue.entries(settings.weights_dirs)}
        self._find = find
        self._loaded: dict[str, tuple[str, Loaded]] = {}  # with the checkpoint's hash
        self._ahead = list(self.entries) if settings.load_ahead else []

    def entry(self, model_id: str) -> catalogue.CatalogueEntry:
        """Return the entry of a model; NotFound if it does not exist (any more)."""
        entry = self.entries.get(model_id) or self._find(model_id)
        if entry is None:
            raise NotFound(f"The worker does not offer a model called {model_id}.")
        return entry

    def get(self, model_id: str) -> LoadedModel:
        """Return a loaded model of photos; NotFound if there is none of this id (any more)."""
        model = self._any(model_id)
        if not isinstance(model, LoadedModel):
            raise NotFound(f"{model_id} is a model of clips: it cannot look at a photo.")
        return model

    def clip(self, model_id: str) -> LoadedClipModel:
        """Return a loaded model of clips; NotFound if there is none of this id (any more)."""
        model = self._any(model_id)
        if not isinstance(model, LoadedClipModel):
            raise NotFound(f"{model_id} is a model of photos: it cannot look at a clip.")
        return model

    def _any(self, model_id: str) -> Loaded:
        entry = self.entry(model_id)
        sha256, model = self._loaded.get(model_id, ("", None))
        if model is None or sha256 != entry.checkpoint_sha256:
            return self._load(entry)
        return model

    def load_next(self) -> bool:
        """Load one model ahead of its first use; False if none is left.

        A model that cannot be loaded is skipped: jobs that ask for it fail with the reason.
        """
        while self._ahead:
            model_id = self._ahead.pop(0)
            if model_id not in self._loaded:
                try:
                    self._load(self.entries[model_id])
                except MlError as error:
                    log.error("%s cannot be loaded: %s", model_id, error.detail)
                return True
        return False

    def _load(self, entry: catalogue.CatalogueEntry) -> Loaded:
        started = time.perf_counter()
        load = catalogue.load if entry.kind == "image" else catalogue.load_clip
        model = load(entry, self.device)
        self._loaded[entry.id] = (entry.checkpoint_sha256, model)
        log.info("loaded %s in %.2f s", entry.id, time.perf_counter() - started)
        return model
