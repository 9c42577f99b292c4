"""Write the generated pages of docs/discovery anew: sources.md and settings.md (`make docs`)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from include.discovery.settings import describe_settings
from include.discovery.sources.describe import describe_formats

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "discovery"
_SETTINGS: Final = """# Settings of an assessment

One YAML file; every key has a default, and what does not fit is told with its line. Give it as `--settings FILE.yaml`,
in the form of `discovery_assess`, or keep it as `discovery/settings.yaml` in the lake. A what-if is another file:
`landfall discovery diff` says what it changes.

```yaml
name: data centre north
sizing: {{minimum_days: 21}}
waves:
  servers_per_wave: 100
  blackouts:
    - {{starts: 2026-12-20, ends: 2027-01-06, reason: year-end close}}
  precedence:
    - {{before: billing, after: payments}}
```

{table}
This page is generated from the settings' own definitions: `make docs`.
"""


def pages() -> dict[Path, str]:
    """Return the text of each generated page by its place."""
    return {
        FOLDER / "sources.md": describe_formats(),
        FOLDER / "settings.md": _SETTINGS.format(table=describe_settings()),
    }


if __name__ == "__main__":
    for place, text in pages().items():
        place.write_text(text)
