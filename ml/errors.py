"""The one exception that `ml` raises on purpose."""


class MlError(Exception):
    """Something a person can mend; `detail` is a sentence that says how."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
