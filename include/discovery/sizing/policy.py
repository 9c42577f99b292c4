"""Which instance types a server may get: architecture, generation, burstable and special families."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from include.discovery.sizing.fitting import TypeSet, type_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.catalogue.model import Catalogue, InstanceType
    from include.discovery.sizing.facts import Facts
    from include.discovery.sizing.needs import Needs
    from include.discovery.sizing.settings import SizingSettings

_X86: Final = ("x86_64", "x86", "amd64", "x64", "i386", "i686", "x86_32")
_ARM: Final = ("arm64", "aarch64")
_LETTERS: Final = re.compile(r"[a-z]+")


def type_sets(
    facts: Facts, needs: Needs, settings: SizingSettings, catalogue: Catalogue
) -> Iterator[tuple[NDArray[np.bool_], TypeSet]]:
    """Yield (servers, types they may get); servers of architectures that EC2 lacks are in no set."""
    import numpy as np

    is_x86, is_arm = np.isin(facts.architecture, _X86), np.isin(facts.architecture, _ARM)
    windows = catalogue.licences.get("windows")
    windows_usd = windows.usd_per_vcpu_hour if windows else 0.0
    if settings.burstable == "non_production":
        may_burst = ~needs.as_production
    else:
        may_burst = np.full(len(is_x86), settings.burstable == "always")
    both = is_x86 & facts.is_linux & settings.allow_arm64
    by_architecture = (
        (("x86_64",), is_x86 & ~both & ~facts.is_windows, 0.0),
        (("x86_64",), is_x86 & facts.is_windows, windows_usd),
        (("x86_64", "arm64"), both, 0.0),
        (("arm64",), is_arm, 0.0),
    )
    for architectures, servers, usd in by_architecture:
        for burstable in (False, True):
            inside = servers & (may_burst == burstable)
            if inside.any():
                allowed = [
                    place
                    for place, kind in enumerate(catalogue.types)
                    if kind.architecture in architectures and is_allowed(kind, settings, burstable=burstable)
                ]
                burst = settings.performance == "burst"
                yield inside, type_set(catalogue.types, allowed, vcpu_hour_usd=usd, burst=burst)


def is_allowed(kind: InstanceType, settings: SizingSettings, *, burstable: bool) -> bool:
    """Tell whether the settings allow a type, its architecture apart."""
    letters = _LETTERS.match(kind.family)
    lowest = settings.minimum_generation.get(letters.group() if letters else "")
    return (
        lowest is not None
        and kind.generation >= lowest
        and kind.family not in settings.excluded_families
        and (burstable or not (kind.is_burstable or kind.is_flex))
        and (settings.allow_metal or not kind.is_metal)
        and (settings.allow_accelerated or not kind.is_accelerated)
    )
