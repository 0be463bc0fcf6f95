"""What typer says about a wrong command line, as messages: its own errors are English only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer

from storehealth.support.message import Message, Name, message, sentences, verbatim

Match = re.Match[str]
PATTERNS: tuple[tuple[str, Callable[[Match], Message]], ...] = (
    (r"No such option: (\S+)", lambda found: message("usage.no_option", option=Name(found[1]))),
    (r"No such command '(.*?)'\.", lambda found: message("usage.no_command", name=Name(found[1]))),
    (
        r"Got unexpected extra argument\(s\) \((.*)\)",
        lambda found: message("usage.extra_argument", text=Name(found[1])),
    ),
    (r"Option '(.*)' requires an argument", lambda found: message("usage.needs_value", option=Name(found[1]))),
    (
        r"Option '(.*)' requires (\d+) arguments",
        lambda found: message("usage.needs_values", option=Name(found[1]), n=int(found[2])),
    ),
    (r"Option '(.*)' does not take a value", lambda found: message("usage.takes_no_value", option=Name(found[1]))),
)
VALUE_PATTERNS: tuple[tuple[str, Callable[[Match], Message]], ...] = (
    (r"greater than or equal to (-?\d+)", lambda found: message("invalid.at_least", bound=int(found[1]))),
    (r"less than or equal to (-?\d+)", lambda found: message("invalid.at_most", bound=int(found[1]))),
    (r"valid integer", lambda _: message("invalid.integer")),
    (r"valid number", lambda _: message("invalid.number")),
)


def describe_usage_error(error: typer.TyperException) -> tuple[Message, Message]:
    """Describe an error that typer raised while it parsed the command line.

    Returns:
        What is wrong, and the hint. A text of typer that is not known is shown as it is.
    """
    context = getattr(error, "ctx", None)
    see_help = message("usage.see_help", command=Name(context.command_path if context else "storehealth"))
    text = error.message
    suggestion = next(iter(getattr(error, "possibilities", None) or re.findall(r"Did you mean '(.*)'\?", text)), None)
    hint = [message("names.did_you_mean", name=Name(suggestion)), see_help] if suggestion else [see_help]
    if "://" in text:  # an address with a key in it, given as an argument
        return verbatim(text), message("settings.address_hint")
    return _describe_parameter(error, text) or _match(text, PATTERNS) or verbatim(text), sentences(hint)


def _describe_parameter(error: typer.TyperException, text: str) -> Message | None:
    """Describe what is wrong with the value of a parameter; None if the error is about something else."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return None
    name = Name(_name_parameter(parameter))
    if type(error).__name__ == "MissingParameter":
        is_option = parameter.param_type_name == "option"
        return message("usage.missing_option" if is_option else "usage.missing_argument", name=name)
    return message("usage.invalid_value", name=name, problem=_match(text, VALUE_PATTERNS) or verbatim(text))


def _name_parameter(parameter: Any) -> str:
    """The longest form of an option, or the placeholder of an argument."""
    names = [name for name in parameter.opts if name.startswith("-")]
    return max(names, key=len) if names else str(parameter.metavar or parameter.name).strip("[]")


def _match(text: str, patterns: tuple[tuple[str, Callable[[Match], Message]], ...]) -> Message | None:
    matches = ((re.search(pattern, text), describe) for pattern, describe in patterns)
    return next((describe(found) for found, describe in matches if found), None)
