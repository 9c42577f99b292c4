"""Why a step does not go on: what another try cannot change, and what time may."""

from __future__ import annotations


class RefusedError(RuntimeError):
    """Another try would end the same: a person has to change something; the message says what."""

    is_final = True


class DriftError(RefusedError):
    """What exists is not what the definition describes; it is left as it is."""


class NotReadyError(RuntimeError):
    """What is needed is not there yet; a later try may find it."""
