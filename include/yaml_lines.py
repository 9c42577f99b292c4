"""Read a YAML mapping key by key, with the line and the path of everything that is wrong; all problems at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 12
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct: 1-based line, path of the key as `databases[0].name`, and a sentence."""

    line: int
    path: str
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.sentence}" if self.path else f"line {self.line}: {self.sentence}"


class ProblemsError(ValueError):
    """A text with problems; `problems` has each once, in the order of lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def open_mapping(text: str, *, opening: str = "`servers:` and `databases:`") -> Mapping:
    """Return the one mapping that the text holds.

    :param opening: the keys to begin with, for the sentence about a text that is no mapping.
    :raises ProblemsError: it is larger than 1 MiB, no YAML, nested too deeply, uses aliases, or is no mapping.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise ProblemsError([Problem(1, "", f"the text has {size} bytes; at most {MAX_BYTES} are read.")])
    try:
        _refuse_what_is_not_plain(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise ProblemsError([_syntax_problem(error)]) from None
    if not isinstance(node, yaml.MappingNode):
        line = _line(node.start_mark if node is not None else None)
        raise ProblemsError([Problem(line, "", f"this is no mapping; begin with {opening}.")])
    return Mapping(node, path="", problems=[])


def _refuse_what_is_not_plain(text: str) -> None:
    """Refuse aliases (a small text could unfold to gigabytes) and nesting that would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ProblemsError(
                [Problem(_line(event.start_mark), "", f"the alias *{event.anchor} is not read; write it out.")]
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                sentence = f"the nesting is deeper than {MAX_DEPTH} levels; flatten it."
                raise ProblemsError([Problem(_line(event.start_mark), "", sentence)])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    told = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return Problem(_line(mark), "", f"this is no YAML ({told}); correct the line or the one above.")


@dataclass(slots=True)
class Mapping:
    """A mapping that is read key by key; what nobody asked for is reported by `refuse_other_keys`.

    Getters return None for a missing or wrong value, after noting the problem.

    :param fallback: read instead for keys that are missing here.
    """

    node: yaml.MappingNode
    path: str
    problems: list[Problem]
    fallback: Mapping | None = None
    _values: dict[str, yaml.Node] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for key_node, value in self.node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(key_node, self.path, "a key must be a word.")
            elif key_node.value in self._values:
                self._note(key_node, self._at(key_node.value), "this key stands twice; keep one.")
            else:
                self._values[key_node.value] = value

    def __contains__(self, key: str) -> bool:
        return key in self._values or (self.fallback is not None and key in self.fallback)

    def names(self) -> list[str]:
        """Return the keys of this mapping itself, in order."""
        return list(self._values)

    def line(self, key: str | None = None) -> int:
        """Return the line of a key's value, or of the mapping."""
        found = self._find(key)[1] if key is not None else None
        return _line((found or self.node).start_mark)

    def problem(self, key: str | None, sentence: str) -> None:
        """Note a problem at a key, or at the mapping itself."""
        self.problems.append(Problem(self.line(key), self._at(key) if key else self.path, sentence))

    def text(self, key: str, *, example: str, required: bool = True) -> str | None:
        """Return a text that is not empty and holds no control characters."""
        node = self._scalar(key, example=example, required=required)
        if node is None:
            return None
        if node.tag != _TAG + "str":
            self.problem(key, f"{node.value!r} is read as {_kind(node)}; put it in quotes if it is meant as text.")
            return None
        value = str(node.value)
        if not value.strip() or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            self.problem(key, f"{value!r} is empty or holds control characters; write for example {example}.")
            return None
        return value

    def whole(self, key: str, *, low: int, high: int) -> int | None:
        """Return an optional whole number within limits."""
        node = self._scalar(key, example=str(low), required=False)
        if node is None:
            return None
        if node.tag == _TAG + "int" and node.value.isascii() and node.value.isdigit() and len(node.value) <= 12:
            value = int(node.value)
            if low <= value <= high:
                return value
        self.problem(key, f"{node.value!r} is no whole number from {low} to {high}.")
        return None

    def number(self, key: str, *, low: float, high: float, word: str = "") -> float | None:
        """Return an optional number within limits; `word` is a text that stands for no number (None)."""
        node = self._scalar(key, example=f"{low:g}", required=False)
        if node is None or (word and node.value == word):
            return None
        if node.tag in (_TAG + "int", _TAG + "float") and _NUMBER.fullmatch(node.value):
            value = float(node.value)
            if low <= value <= high:
                return value
        told = f", nor {word}" if word else ""
        self.problem(key, f"{node.value!r} is no number from {low:g} to {high:g}{told}.")
        return None

    def value(self, key: str, read: Callable[[str], T], *, told: str, example: str) -> T | None:
        """Return a value that `read` makes of the text as it is written; its ValueError is noted as `told`."""
        node = self._scalar(key, example=example, required=True)
        return None if node is None else self._read(node, self._at(key), read, told)

    def values(self, key: str, read: Callable[[str], T], *, told: str) -> tuple[T, ...]:
        """Return an optional list of values that `read` makes of the texts as they are written."""
        owner, node = self._find(key)
        if self._is_absent(key, node, required=False, example="a list"):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, "this must be a list; begin each entry with `- `.")
            return ()
        found = (self._read(item, f"{owner._at(key)}[{at}]", read, told) for at, item in enumerate(node.value))
        return tuple(value for value in found if value is not None)

    def flag(self, key: str) -> bool | None:
        """Return an optional true or false."""
        node = self._scalar(key, example="true", required=False)
        if node is None:
            return None
        if node.tag != _TAG + "bool":
            self.problem(key, f"{node.value!r} is neither true nor false.")
            return None
        return bool(node.value.lower() in {"true", "yes", "on"})

    def choice(self, key: str, choices: Sequence[str], *, required: bool = False) -> str | None:
        """Return one of several words."""
        node = self._scalar(key, example=choices[0], required=required)
        if node is None:
            return None
        if node.value not in choices:
            self.problem(key, f"{node.value!r} is none of {', '.join(choices)}.")
            return None
        return str(node.value)

    def mapping(self, key: str, *, required: bool = False) -> Mapping | None:
        """Return a mapping below a key."""
        owner, node = self._find(key)
        if self._is_absent(key, node, required=required, example="a mapping"):
            return None
        if not isinstance(node, yaml.MappingNode):
            self.problem(key, "this must be a mapping, indented below its key.")
            return None
        return Mapping(node, path=owner._at(key), problems=self.problems)

    def mappings(self, key: str, *, required: bool = True, entry: str = "name: Sales") -> Iterator[Mapping]:
        """Yield the mappings of a list below a key; `entry` is an example of what one begins with."""
        owner, node = self._find(key)
        if self._is_absent(key, node, required=required, example="a list"):
            return
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.problem(key, "this must be a list with at least one entry; begin each with `- `.")
            return
        for number, item in enumerate(node.value):
            path = f"{owner._at(key)}[{number}]"
            if isinstance(item, yaml.MappingNode):
                yield Mapping(item, path=path, problems=self.problems)
            else:
                self._note(item, path, f"this must be a mapping, as `- {entry}`.")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return an optional list of texts."""
        owner, node = self._find(key)
        if self._is_absent(key, node, required=False, example="a list"):
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, "this must be a list; begin each entry with `- `.")
            return ()
        wrong = [item for item in node.value if item.tag != _TAG + "str" or not item.value.strip()]
        for item in wrong:
            self._note(item, owner._at(key), "each entry must be a text that is not empty; put it in quotes.")
        return () if wrong else tuple(str(item.value) for item in node.value)

    def refuse_other_keys(self, known: Sequence[str] | None = None) -> None:
        """Note every key that nobody asked for, with the nearest one that exists."""
        names = sorted(self._asked if known is None else known)
        for key in self._values:
            if key not in names:
                nearest = get_close_matches(key, names, n=1, cutoff=0.5)
                advice = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(names)}."
                self.problem(key, f"this key is unknown; {advice}")

    def _scalar(self, key: str, *, example: str, required: bool) -> yaml.ScalarNode | None:
        _, node = self._find(key)
        if self._is_absent(key, node, required=required, example=example):
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.problem(key, f"this must be one value; write for example {example}.")
            return None
        return node

    def _read(self, node: yaml.Node, path: str, read: Callable[[str], T], told: str) -> T | None:
        try:
            return read(node.value if isinstance(node, yaml.ScalarNode) else "")
        except ValueError:
            shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "this"
            self._note(node, path, f"{shown} {told}")
            return None

    def _is_absent(self, key: str, node: yaml.Node | None, *, required: bool, example: str) -> bool:
        absent = node is None or (node.tag == _TAG + "null" and isinstance(node, yaml.ScalarNode))
        if absent and required:
            told = Problem(self.line(), self._at(key), f"this key is missing; write for example {key}: {example}")
            self.problems.append(told)
        return absent

    def _find(self, key: str | None) -> tuple[Mapping, yaml.Node | None]:
        if key is None:
            return self, None
        self._asked.add(key)
        if key not in self._values and self.fallback is not None:
            return self.fallback._find(key)
        return self, self._values.get(key)

    def _at(self, key: str | None) -> str:
        if key is not None and key not in self._values and self.fallback is not None and key in self.fallback:
            return self.fallback._at(key)
        return ".".join(part for part in (self.path, key) if part)

    def _note(self, node: yaml.Node, path: str, sentence: str) -> None:
        self.problems.append(Problem(_line(node.start_mark), path, sentence))


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark is not None else 1


def _kind(node: yaml.ScalarNode) -> str:
    names = {"int": "a number", "float": "a number", "bool": "true or false", "timestamp": "a date", "null": "nothing"}
    return names.get(node.tag.removeprefix(_TAG), "something else")
