"""Keep a whole moto service: its backends' attributes, pickled after each call that may have changed them.

References to moto backends are kept as names, so that restored objects meet the live backends again.
"""

from __future__ import annotations

import io
import logging
import pickle
import threading
from collections import defaultdict
from types import FunctionType
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

KIND = "service"
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_READING = (
    "Get", "List", "Describe", "Head", "BatchGet", "Query", "Scan", "Search", "Filter", "Test", "Lookup", "Check",
    "Decode", "Count", "Select", "Estimate", "Preview", "Validate",
)  # fmt: skip


def reads_only(operation: str) -> bool:
    """Tell by its name whether an operation leaves the service as it was."""
    return operation.startswith(_READING)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _LOCKS):
            return type_of_lock(value), ()
        if isinstance(value, BaseBackend):
            service = type(value).__module__.split(".")[1]
            return _backend, (service, value.account_id, value.region_name)
        if isinstance(value, BackendDict):
            return get_backend, (value.service_name,)
        if isinstance(value, AccountSpecificBackend):
            return _account, (value.service_name, value.account_id)
        if isinstance(value, defaultdict):
            # moto's own kinds, as SSM's parameters, are not made as pickle would make them, and many a factory is a
            # lambda: `restore` takes it from the attribute that it replaces.
            factory = None if isinstance(value.default_factory, FunctionType) else value.default_factory
            state = getattr(value, "__dict__", None) or None
            return _default_dict, (type(value), factory), state, None, _items(value)
        return NotImplemented


def _default_dict(kind: type[defaultdict[Any, Any]], factory: Callable[[], Any] | None) -> defaultdict[Any, Any]:
    made = kind.__new__(kind)
    made.default_factory = factory
    return made


def _items(value: defaultdict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    return iter(dict.items(value))


def type_of_lock(lock: object) -> Any:
    """Give the factory that makes a lock of the same kind."""
    return threading.RLock if isinstance(lock, _LOCKS[1]) else threading.Lock


def _backend(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]


def _account(service: str, account: str) -> Any:
    return get_backend(service)[account]


def dump(value: object) -> bytes:
    """Pickle moto objects; raises what pickle raises when one of them cannot be."""
    target = io.BytesIO()
    _Pickler(target, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return target.getvalue()


class ServiceKeeper:
    """Keeps every service that has no keeper of its own."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._unkept: set[str] = set()

    def changes(self, service: str) -> list[Change]:
        """Give the row that holds the service as it is now; [] when it cannot be pickled."""
        if service in self._unkept:
            return []
        states = {
            (account, region): backend.__dict__ for account, region, backend in get_backend(service).iter_backends()
        }
        try:
            return [Change(KIND, service, dump(states))]
        except (pickle.PicklingError, TypeError, AttributeError):
            log.exception("%s cannot be kept: its state ends with this process", service)
            self._unkept.add(service)
            return []

    def restore(self) -> None:
        """Give every kept service its state back."""
        for service, blob in self._rows():
            for (account, region), state in pickle.loads(blob).items():  # noqa: S301 - our own file, of this user
                attributes = get_backend(service)[account][region].__dict__
                _take_factories(state, attributes)
                attributes.update(state)

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        return iter(list(self._store.read(KIND)))


def _take_factories(state: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Give dictionaries whose factory could not be kept the one of the same attribute of a fresh backend."""
    for name, value in state.items():
        if isinstance(value, defaultdict) and value.default_factory is None:
            value.default_factory = getattr(fresh.get(name), "default_factory", None)
