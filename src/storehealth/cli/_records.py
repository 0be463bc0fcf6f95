"""Commands that take records: typer sees every field of a record as an option of its own, the command gets one object.

A command declares ``options: CommonOptions`` or, for some of its fields, ``Annotated[CommonOptions, Only("lang", "state")]``;
:func:`expand_records` turns it into the function that typer is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from storehealth.cli import streams


@dataclass(frozen=True, init=False)
class Only:
    """The fields of a record that a command takes; the others keep their defaults."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))


def expand_records(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command a signature in which each field of its records is a parameter.

    Args:
        command: Its parameters are annotated with dataclasses whose fields are typer options, or are options themselves.

    Raises:
        TypeError: Two parameters have one name, or ``Only`` names a field that does not exist.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: dict[str, Parameter] = {}
    records: dict[str, tuple[Any, list[str]]] = {}
    for parameter in signature(command).parameters.values():
        record, chosen = _split_record(hints[parameter.name])
        if record is None:
            expanded = [parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY)]
        else:
            expanded = list(_expand_fields(record, chosen))
            records[parameter.name] = (record, [field.name for field in expanded])
        for new in expanded:
            if new.name in parameters:
                raise TypeError(f"{command.__qualname__} has two parameters named {new.name}")
            parameters[new.name] = new

    def call(**values: Any) -> int:
        from storehealth.i18n import use_language

        use_language(streams.find_language())  # of the texts in JSON documents
        built = {name: record(**{key: values.pop(key) for key in keys}) for name, (record, keys) in records.items()}
        return command(**built, **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    # typer reads both: the signature for names and defaults, the annotations for types
    call.__signature__ = Signature(list(parameters.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()} | {"return": int}
    return call


def _split_record(hint: Any) -> tuple[Any, frozenset[str] | None]:
    """The record of an annotation, None if it is none, and the names of the fields to take, None for all."""
    chosen = None
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
        chosen = next((mark.names for mark in marks if isinstance(mark, Only)), None)
    return (hint, chosen) if is_dataclass(hint) else (None, None)


def _expand_fields(record: Any, chosen: frozenset[str] | None) -> Iterator[Parameter]:
    hints = get_type_hints(record, include_extras=True)
    known: dict[str, Field[Any]] = {field.name: field for field in fields(record)}
    if chosen is not None and not chosen <= known.keys():
        raise TypeError(f"{record.__name__} has no field {', '.join(sorted(chosen - known.keys()))}")
    for name, field in known.items():
        if chosen is None or name in chosen:
            default = Parameter.empty if field.default is MISSING else field.default
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
