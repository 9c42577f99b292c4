"""Function signatures: reading them from text, and choosing one for the arguments at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from include.athena_sql.coercion import can_coerce, common_type
from include.athena_sql.context import Typed
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.types import UNKNOWN, WHOLE_DIGITS, Type, TypeReader

if TYPE_CHECKING:
    from collections.abc import Sequence

# One-letter type variables. N is any number, W any whole number, D a date or time.
_VARIABLES = {"T", "U", "V", "K", "S", "R", "N", "W", "D"}
_LIMITS = {
    "N": {*WHOLE_DIGITS, "decimal", "double", "real"},
    "W": set(WHOLE_DIGITS),
    "D": {"date", "timestamp", "timestamp with time zone"},
}


@dataclass(frozen=True)
class Lambda:
    """A parameter that is a lambda: the types of its own parameters and of its result."""

    parameters: tuple[Type, ...]
    result: Type

    def __str__(self) -> str:
        return f"function({','.join(map(str, (*self.parameters, self.result)))})"


Parameter = Type | Lambda


@dataclass(frozen=True)
class Signature:
    """One overload of a function and the DuckDB text that computes it.

    In `template` ``$1`` is the first argument, ``$l1`` the first argument as local wall-clock time, ``$*`` all
    arguments, ``$R`` and a variable's ``$T`` are DuckDB types; ``$d``, ``$o``, ``$n`` and ``$f`` take an aggregate's
    DISTINCT, ORDER BY, IGNORE NULLS and FILTER/OVER. A template ``@name`` names a builder in Python.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    template: str
    variadic: bool = False

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))}{'...' if self.variadic else ''})"

    def parameter(self, index: int) -> Parameter:
        """The parameter that the argument at `index` meets."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Whether so many arguments fit. A variadic last parameter may be left out."""
        return count >= len(self.parameters) - 1 if self.variadic else count == len(self.parameters)


class _SignatureReader(TypeReader):
    """Reads types in which one-letter names are variables and a bare decimal is any decimal."""

    def flat(self, name: str) -> Type:
        if name.upper() in _VARIABLES and len(name) == 1:
            return Type(name.upper())
        if name == "decimal" and self.peek() != "(":
            return Type("decimal")
        return super().flat(name)


def _read(text: str) -> Parameter:
    if not text.startswith("function("):
        return _SignatureReader(text).type()
    *parameters, result = split_top(text.removeprefix("function(").removesuffix(")"))
    return Lambda(tuple(_SignatureReader(p).type() for p in parameters), _SignatureReader(result).type())


def split_top(text: str) -> list[str]:
    """Split at commas that stand outside parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def read_signatures(table: str) -> dict[str, list[Signature]]:
    """Read lines of ``name(parameters) -> result | template``; blank lines and lines with # are skipped."""
    found: dict[str, list[Signature]] = {}
    for line in table.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        head, template = line.split(" | ", 1)
        call, result = head.rsplit(" -> ", 1)
        name, _, inside = call.strip().partition("(")
        texts = split_top(inside.removesuffix(")"))
        variadic = bool(texts) and texts[-1].endswith("...")
        parameters = tuple(_read(text.removesuffix("...")) for text in texts)
        kind = _SignatureReader(result.strip()).type()
        found.setdefault(name, []).append(Signature(name, parameters, kind, template.strip(), variadic))
    return found


Argument = Typed | Any  # a Lambda argument is still a node: its body needs the other arguments' types


def choose(overloads: Sequence[Signature], arguments: Sequence[Argument]) -> tuple[Signature, dict[str, Type]] | None:
    """The first overload that fits without conversions, else the first that fits with them."""
    for exact in (True, False):
        for signature in overloads:
            bound = _bind(signature, arguments, exact=exact)
            if bound is not None:
                return signature, bound
    return None


def _bind(signature: Signature, arguments: Sequence[Argument], *, exact: bool) -> dict[str, Type] | None:
    if not signature.takes(len(arguments)):
        return None
    bound: dict[str, Type] = {}
    for index, argument in enumerate(arguments):
        parameter = signature.parameter(index)
        if isinstance(parameter, Lambda) != (not isinstance(argument, Typed)):
            return None
        if isinstance(parameter, Type) and not _fits(parameter, argument.type, bound, exact=exact):
            return None
    return bound


def _fits(pattern: Type, actual: Type, bound: dict[str, Type], *, exact: bool) -> bool:
    if pattern.name in _VARIABLES:
        return _bind_variable(pattern.name, actual, bound)
    if actual == UNKNOWN:
        return not exact
    if pattern.name == actual.name:
        pairs = zip(pattern.items, actual.items, strict=False)
        return all(_fits(p, a, bound, exact=exact) for p, a in pairs)
    return not exact and not pattern.items and pattern != Type("decimal") and can_coerce(actual, pattern)


def _bind_variable(name: str, actual: Type, bound: dict[str, Type]) -> bool:
    allowed = _LIMITS.get(name)
    if allowed and actual.name not in {*allowed, "unknown"}:
        return False
    kind = common_type(bound.get(name, UNKNOWN), actual)
    if kind is None:
        return False
    bound[name] = kind
    return True


def resolve(kind: Type, bound: dict[str, Type]) -> Type:
    """A signature's type with its variables filled in."""
    if kind.name in _VARIABLES:
        return bound.get(kind.name, UNKNOWN)
    return replace(kind, items=tuple(resolve(item, bound) for item in kind.items)) if kind.items else kind


def unexpected(name: str, overloads: Sequence[Signature], shown: Sequence[str], at: tuple[int, int]) -> AthenaSqlError:
    """Trino's words for arguments that no overload takes."""
    expected = ", ".join(str(signature) for signature in overloads)
    words = f"Unexpected parameters ({', '.join(shown)}) for function {name}. Expected: {expected}"
    return AthenaSqlError("FUNCTION_NOT_FOUND", words, at=at)
