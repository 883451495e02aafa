"""What stops an evaluation: Azure fails it, or something that it needs was not read."""

from __future__ import annotations


class EvaluationFailed(Exception):
    """Azure fails the evaluation (and denies the request); `text` says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotRead(Exception):
    """The answer depends on something that was not read; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
