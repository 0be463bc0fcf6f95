"""A command that prints when it is called with a folder, or with nothing, and has sub-commands besides."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperGroup

from storehealth.cli._streams import note

COMMAND = "storehealth.command_named"


class ExportsOrCommand(TyperGroup):
    """The first word decides: a sub-command's name calls that, anything else is EXPORTS.

    Options may stand on either side of the word: those before a sub-command's name are handed on to it, those around
    EXPORTS belong to the group itself. A folder that is named like a sub-command is written ``./mark``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand leading options on to the sub-command, or read everything as the group's own."""
        place = self._first_word(args)
        if place is not None and args[place] in self.commands:
            ctx.meta[COMMAND] = True
            if Path(args[place]).is_dir():
                note(f"{args[place]} is taken for the command; for the folder of that name write ./{args[place]}")
            args = [args[place], *args[:place], *args[place + 1 :]]
            return super().parse_args(ctx, args)
        if place is not None:
            self._refuse_misspelt(ctx, args[place])
        ctx.meta[COMMAND] = False
        ctx.allow_interspersed_args = True
        rest = super().parse_args(ctx, args)
        if ctx._protected_args:
            wrong = ctx._protected_args[0]
            ctx.fail(
                f"{wrong!r} is one word too many: give one EXPORTS, or one of the commands {', '.join(self.commands)}"
            )
        return rest

    def _refuse_misspelt(self, ctx: Any, word: str) -> None:
        """A word that is no folder, but nearly a command."""
        close = get_close_matches(word, list(self.commands), n=1)
        if close and not Path(word).exists():
            ctx.fail(f"there is no folder and no command {word!r}; nearest command is {close[0]}")

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters to read: no EXPORTS where a sub-command is named."""
        params = super().get_params(ctx)
        if ctx.meta.get(COMMAND):
            return [param for param in params if not isinstance(param, TyperArgument)]
        return params

    def _first_word(self, args: list[str]) -> int | None:
        """Place of the first argument that is neither an option nor an option's value."""
        taking = self._taking_values()
        place = 0
        while place < len(args):
            word = args[place]
            if word == "--":
                return None
            if not word.startswith("-") or word == "-":
                return place
            place += 2 if word in taking else 1
        return None

    def _taking_values(self) -> set[str]:
        """Every option, of the group or of a sub-command, that is followed by a value."""
        own = [self, *self.commands.values()]
        options = (param for command in own for param in command.params if not isinstance(param, TyperArgument))
        return {
            name for option in options if not (getattr(option, "is_flag", False) or getattr(option, "count", False))
            for name in option.opts
        }  # fmt: skip
