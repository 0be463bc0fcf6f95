"""Records of options: typer sees one option per field, the command gets one object."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from storehealth.cli._options import Only, expand_records


@dataclass(frozen=True)
class Colours:
    """One field of each kind."""

    red: Annotated[int, typer.Option("--red", "-r")]
    green: Annotated[str, typer.Option("--green", parser=str.upper)] = "leaf"
    blue: Annotated[list[str] | None, typer.Option("--blue")] = None


def run(command: object, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(expand_records(command))  # type: ignore[arg-type]
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output.strip()


def paint(
    name: Annotated[str, typer.Argument()], colours: Colours, loud: Annotated[bool, typer.Option("--loud")] = False
) -> int:
    print(name, colours, loud)
    return 0


def paint_green(colours: Annotated[Colours, Only("red", "green")]) -> int:
    print(colours)
    return 0


def test_every_field_is_an_option_and_the_command_gets_one_object() -> None:
    output = run(paint, "wall", "-r", "3", "--blue", "a", "--blue", "b", "--loud")
    assert output == f"wall {Colours(3, 'LEAF', ['a', 'b'])} True"


def test_fields_that_are_not_chosen_are_no_options_and_keep_their_defaults() -> None:
    assert run(paint_green, "--red", "1", "--green", "moss") == str(Colours(1, "MOSS", None))
    assert list(inspect.signature(expand_records(paint_green)).parameters) == ["red", "green"]


def test_a_field_without_a_default_is_required() -> None:
    app = typer.Typer()
    app.command()(expand_records(paint_green))
    assert CliRunner().invoke(app, []).exit_code == 2


def test_unknown_fields_and_clashing_names_are_refused() -> None:
    def unknown(colours: Annotated[Colours, Only("yellow")]) -> int:
        return len(str(colours))

    def clash(red: int, colours: Colours) -> int:
        return red + len(str(colours))

    unknown.__annotations__ = {"colours": Annotated[Colours, Only("yellow")], "return": int}
    clash.__annotations__ = {"red": int, "colours": Colours, "return": int}
    with pytest.raises(TypeError, match="no field yellow"):
        expand_records(unknown)
    with pytest.raises(TypeError, match="two parameters named red"):
        expand_records(clash)
