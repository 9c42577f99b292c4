"""What moto 5.2.5 does that a long-lived local AWS must not; each with the place in moto."""

from __future__ import annotations

from moto.core.common_models import BaseModel


def install() -> None:
    """Apply all fixes; call once, before the first request."""
    _forget_instances()


def _forget_instances() -> None:
    """Stop BaseModel.__new__ from holding every object ever made (it serves resets between unit tests)."""
    BaseModel.__new__ = lambda cls, *_args, **_kwargs: object.__new__(cls)
