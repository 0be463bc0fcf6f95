"""Figures that a platform prints itself, and the definitions that could explain why ours differ."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storehealth.catalogue.common import LocalizedText, Name, NonEmptyText, StrictModel


class PrintedSource(StrictModel):
    """Where the export prints the figure."""

    over: str = Field(description="A table, a view, or a SELECT: the rows it is printed on.")
    when: str = Field(default="true", description="SQL; the rows that hold it and are also in our files.")
    value: str = Field(description="SQL aggregate that puts its rows together, weighted by what each rests on.")
    rows: str = Field(description="SQL aggregate: how many chats, questions or cases it rests on.")


class FigureDefinition(StrictModel):
    """One definition of the figure."""

    says: LocalizedText = Field(description="What is counted, as it reads after 'counted so:'.")
    when: str = Field(default="true", description="SQL; the rows that this definition counts.")
    value: str = Field(description="SQL aggregate over these rows.")


class PrintedSpec(StrictModel):
    """A figure that a platform's export gives for what the rule measures."""

    name: Name
    title: LocalizedText = Field(description="What the platform calls it, and in which file.")
    unit: Literal["share", "seconds", "hours"]
    close: float = Field(gt=0, description="Figures that differ by no more count as equal; in the unit.")
    needs: tuple[NonEmptyText, ...] = Field(
        description="Tables or table.columns without which there is nothing to compare."
    )
    theirs: PrintedSource
    over: str = Field(description="A view or a SELECT: the same chats, questions or cases in our rows.")
    rows: str = Field(default="count(*)", description="SQL aggregate over these: how many of what theirs rests on.")
    readings: tuple[FigureDefinition, ...] = Field(min_length=2, description="The rule's own definition first.")
