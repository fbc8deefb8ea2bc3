"""The exception that `ml` raises for expected failures."""


class MlError(Exception):
    """A failure that the user can fix; `detail` is a sentence that explains how."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
