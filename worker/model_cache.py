"""Loaded models, kept in memory for the lifetime of the worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.core.errors import NotFound
from app.core.settings import Settings
from ml import catalogue
from ml.errors import MlError
from ml.explain.results import LoadedModel

MEDIA = {"image": "photo", "clip": "clip"}
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
        self._loaded: dict[str, tuple[str, LoadedModel]] = {}  # with the checkpoint's hash
        self._ahead = list(self.entries) if settings.load_ahead else []

    def entry(self, model_id: str) -> catalogue.CatalogueEntry:
        """Return the entry of a model; NotFound if it does not exist (any more)."""
        entry = self.entries.get(model_id) or self._find(model_id)
        if entry is None:
            raise NotFound(f"The worker does not offer a model called {model_id}.")
        return entry

    def get(self, model_id: str, kind: str) -> LoadedModel:
        """Return a model of `image` or `clip`, ready for use; NotFound if it is not on offer."""
        entry = self.entry(model_id)
        if entry.kind != kind:
            own, other = (MEDIA[each] for each in (entry.kind, kind))
            raise NotFound(f"{model_id} is a model of {own}s: it cannot look at a {other}.")
        known = self._loaded.get(model_id)
        if known is None or known[0] != entry.checkpoint_sha256:
            return self._load(entry)
        return known[1]

    def imagenet(self) -> LoadedModel | None:
        """Return the 1000-class network, or None where its weights are not, or are damaged."""
        try:
            return self.get(catalogue.IMAGENET_ID, "image")
        except NotFound:
            return None
        except MlError as error:
            log.error("%s cannot be loaded: %s", catalogue.IMAGENET_ID, error.detail)
            return None

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

    def _load(self, entry: catalogue.CatalogueEntry) -> LoadedModel:
        started = time.perf_counter()
        model = catalogue.load(entry, self.device)
        self._loaded[entry.id] = (entry.checkpoint_sha256, model)
        log.info("loaded %s in %.2f s", entry.id, time.perf_counter() - started)
        return model
