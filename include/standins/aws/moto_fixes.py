"""What moto 5.2.5 does that a long-lived local AWS must not; each with the place in moto."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import BaseModel
from moto.datasync import models as datasync

DATASYNC_ACCOUNT = "111222333444"


def install(*, account: str) -> None:
    """Apply all fixes; call once, before the first request."""
    _forget_instances()
    for model in (datasync.Location, datasync.Task):
        _use_account(model, account)


def _forget_instances() -> None:
    """Stop BaseModel.__new__ from holding every object ever made (it serves resets between unit tests)."""
    BaseModel.__new__ = lambda cls, *_args, **_kwargs: object.__new__(cls)


def _use_account(model: Any, account: str) -> None:
    """Replace the account that moto/datasync/models.py writes into every ARN."""
    original = model.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes the place of one
        original(self, *args, **kwargs)
        self.arn = self.arn.replace(f":{DATASYNC_ACCOUNT}:", f":{account}:")

    model.__init__ = __init__
