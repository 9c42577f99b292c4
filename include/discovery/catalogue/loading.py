"""Load the catalogue: the shipped snapshot, a file of the same format, or an AWS Price List file of another Region."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from include.discovery.catalogue.model import Catalogue, CatalogueError, InstanceType, LicencePrice, VolumePrice
from include.discovery.catalogue.offers import is_offer_csv, is_offer_json, read_offer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHIPPED: Final = Path(__file__).parent / "data" / "ec2_us-east-1_2026-07-20.json.gz"
FORMAT: Final = "landfall-ec2/1"
_HEAD_CHARACTERS: Final = 65_536
_LARGEST_OWN_FORMAT: Final = 64 << 20  # characters; the shipped file has 0.3 million


def load_catalogue(prices: Path | None = None, *, region: str | None = None) -> Catalogue:
    """Return the catalogue of one Region; without a path the shipped snapshot of us-east-1.

    :param prices: JSON of format ``landfall-ec2/1``, or the AWS Price List file of AmazonEC2 as CSV or JSON; each may
        be gzipped. Offer files are streamed: memory stays small whatever their size.
    :param region: the wanted Region; needed when the file holds several.
    :raises CatalogueError: the file is none of these, holds no usable price, or holds not what the Region needs.
    """
    if prices is None:
        catalogue = _shipped()
    else:
        try:
            catalogue = _from_file(prices, region)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise CatalogueError(f"{prices.name} cannot be read ({error}): give a price file that is whole.") from error
    if region is not None and catalogue.region != region:
        raise CatalogueError(
            f"{prices.name if prices else 'The shipped price list'} holds {catalogue.region}, not {region}: give the "
            f"AWS Price List file of {region}, since prices of another Region are never taken instead."
        )
    return catalogue


@cache
def _shipped() -> Catalogue:
    with gzip.open(SHIPPED, "rt", encoding="utf-8") as file:
        return _from_document(json.load(file), SHIPPED.name)


def _from_file(path: Path, region: str | None) -> Catalogue:
    with _open(path) as file:
        head = file.read(_HEAD_CHARACTERS)
    if is_offer_csv(head) or is_offer_json(head):
        return _from_offer(path, region, is_csv=is_offer_csv(head))
    if not head.lstrip("\ufeff \t\r\n").startswith("{"):
        raise CatalogueError(
            f"{path.name} is no price list: give JSON of format {FORMAT}, or the AWS Price List file of AmazonEC2 "
            "(CSV or JSON)."
        )
    with _open(path) as file:
        text = file.read(_LARGEST_OWN_FORMAT + 1)
    if len(text) > _LARGEST_OWN_FORMAT:
        raise CatalogueError(f"{path.name} is larger than 64 MB: a price list of format {FORMAT} is not.")
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except ValueError as error:
        raise CatalogueError(f"{path.name} is no valid JSON ({error}): correct that place.") from error
    if document.get("format") != FORMAT:
        raise CatalogueError(f'{path.name} is JSON without "format": "{FORMAT}": use that format or an AWS offer file.')
    try:
        return _from_document(document, path.name)
    except CatalogueError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CatalogueError(
            f"{path.name} does not keep the format {FORMAT} ({error!r}): see its description."
        ) from error


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file


def _from_document(document: dict[str, Any], name: str) -> Catalogue:
    for key in ("region", "price_date", "prices"):
        if not document.get(key):
            raise CatalogueError(f'{name} has no "{key}": add it, see docs/discovery/sizing.md.')
    if document.get("currency", "USD") != "USD":
        raise CatalogueError(f"{name} is in {document['currency']}: convert the prices to USD, the reports are in USD.")
    try:
        date.fromisoformat(str(document["price_date"]))
    except ValueError as error:
        raise CatalogueError(f'{name}: "price_date" {document["price_date"]!r} is no day: write 2026-05-31.') from error
    region, notes = str(document["region"]), []
    parts = {}
    for key in ("licences", "volumes"):
        parts[key] = document.get(key)
        if parts[key] is None and region == _shipped().region:
            notes.append(f"{name} has no {key}: those of the shipped snapshot are used, same Region.")
        elif parts[key] is None:
            raise CatalogueError(f'{name} has no "{key}" of {region}: add them, those of another Region are not used.')
    if "types" in document:
        hardware = {row[0]: dict(zip(document["columns"], row, strict=True)) for row in document["types"]}
    else:
        hardware = _shipped_hardware()
    types = _priced(hardware, document["prices"], name, notes)
    return Catalogue(
        region=region,
        price_date=str(document["price_date"]),
        source=str(document.get("source", name)),
        types=types,
        licences=_shipped().licences if parts["licences"] is None else _licences(parts["licences"], name),
        volumes=_shipped().volumes if parts["volumes"] is None else _volumes(parts["volumes"], name),
        notes=tuple(notes),
    )


def _from_offer(path: Path, region: str | None, *, is_csv: bool) -> Catalogue:
    with _open(path) as file:
        found = read_offer(file, path.name, is_csv=is_csv)
    offer = found.choose(region)
    notes: list[str] = []
    types = _priced(_shipped_hardware(), offer.linux, path.name, notes)
    vcpu = {kind.name: kind.vcpu for kind in types}
    licences = {
        name: LicencePrice(name=name, usd_per_vcpu_hour=usd, source=f"{path.name}: median over types", as_of=found.date)
        for name, usd in offer.adders(vcpu).items()
    }
    missing = sorted({"windows", "sql_web", "sql_standard", "sql_enterprise"} - licences.keys())
    if missing:
        notes.append(f"{path.name} prices no {', '.join(missing)}: what needs them cannot be costed.")
    volumes = {name: _volume_of(name, told, path.name, found.date) for name, told in offer.volumes(path.name).items()}
    return Catalogue(
        region=offer.region,
        price_date=found.date,
        source=f"AWS Price List, {path.name}",
        types=types,
        licences=licences,
        volumes=volumes,
        notes=tuple(notes),
    )


def _volume_of(name: str, told: Mapping[str, Any], source: str, as_of: str) -> VolumePrice:
    from dataclasses import replace

    return replace(_shipped().volumes[name], **told, source=source, as_of=as_of)  # the limits are the same everywhere


def _shipped_hardware() -> dict[str, dict[str, Any]]:
    fields = InstanceType.__dataclass_fields__.keys() - {"hourly_usd", "family"}
    return {kind.name: {field: getattr(kind, field) for field in fields} for kind in _shipped().types}


def _priced(
    hardware: Mapping[str, Mapping[str, Any]], prices: Mapping[str, Any], name: str, notes: list[str]
) -> tuple[InstanceType, ...]:
    for kind, usd in prices.items():
        if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 < usd < math.inf:
            raise CatalogueError(f"{name}: the price of {kind} is {usd!r}: give US dollars an hour, above 0.")
    unknown = sorted(prices.keys() - hardware.keys())
    if unknown:
        shown = ", ".join(unknown[:5])
        notes.append(f"{len(unknown)} priced types have no hardware facts here and are left out: {shown}.")
    types = [_type(hardware[kind], float(usd)) for kind, usd in prices.items() if kind in hardware]
    if not types:
        raise CatalogueError(f"{name} prices no instance type that is known here: look at its type names.")
    return tuple(sorted(types, key=lambda kind: (kind.hourly_usd, kind.name)))


def _type(told: Mapping[str, Any], usd: float) -> InstanceType:
    facts = {**told, "valid_cores": tuple(told["valid_cores"]), "valid_threads": tuple(told["valid_threads"])}
    return InstanceType(**facts, family=str(told["name"]).partition(".")[0], hourly_usd=usd)


def _licences(told: Mapping[str, Any], name: str) -> dict[str, LicencePrice]:
    try:
        return {key: LicencePrice(name=key, **value) for key, value in told.items()}
    except (TypeError, AttributeError) as error:
        raise CatalogueError(f"{name}: a licence needs usd_per_vcpu_hour, source and as_of ({error}).") from error


def _volumes(told: Mapping[str, Any], name: str) -> dict[str, VolumePrice]:
    if missing := {"gp3", "io2"} - told.keys():
        raise CatalogueError(f"{name}: volumes lack {', '.join(sorted(missing))}: both gp3 and io2 are needed.")
    try:
        return {key: _volume(key, value) for key, value in told.items()}
    except (TypeError, KeyError, ValueError) as error:
        raise CatalogueError(f"{name}: a volume has other fields than the format names ({error}).") from error


def _volume(name: str, told: Mapping[str, Any]) -> VolumePrice:
    steps = tuple((int(start), float(usd)) for start, usd in told["usd_per_iops_month"])
    return VolumePrice(name=name, **{**told, "usd_per_iops_month": steps})
