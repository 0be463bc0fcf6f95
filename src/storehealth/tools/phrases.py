"""``phrases``: what customers ask often, and the store's own best answers to it, ready to be approved and prepared.

Questions are clustered by the characters they share, within a topic. An answer is proposed where people sent it at least
three times to three customers and it belongs to that question more than to others;
what belongs to one customer becomes a placeholder.
Texts are only in the record where ``--texts`` was given or a person has approved them in ``phrases.yaml``.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from statistics import median
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from storehealth.catalogue.common import StrictModel
from storehealth.model.tools import Id, Seconds, Share, ToolRecord, ToolRow
from storehealth.privacy import scrub
from storehealth.support.message import Message, message
from storehealth.support.stats import wilson_interval
from storehealth.tools import Row, ToolInputs, explain_need, to_place
from storehealth.tools.phrase_texts import WORDS, QuestionWriter, fill_slots, hide_rest, merge_values, strip_openings
from storehealth.tools.scorecard import RATED, name_topic

LEAST_ASKED, LEAST_ASKERS = 5, 3
LEAST_SENT, LEAST_CUSTOMERS = 3, 3
ALIKE = 0.55
"""Share of letter pairs in common (Dice) from which on two questions are one."""
RELATED = 0.2
"""The same for questions that get the same answer."""
LEAST_JOINING, JOINING_SHARE, BELONGS = 2, 0.2, 0.8
"""Uses of an answer in each question that it joins, its share of the answers there, and the share of its uses in them."""
LEAST_OPENING = 0.1
"""Share of a question's uses that open a chat: one that never does means something only after what was said before."""
OWN = 1.5
"""How much more often an answer occurs in its cluster than among all answers; stock phrases occur everywhere alike."""
BEYOND_CHANCE = 2.5
"""Standard errors by which it must: of hundreds of pairs some stand out by chance."""
OPENINGS = 2
"""Clauses before an answer that are looked at: a greeting, and an apology or a name."""
BEST = 3
"""Answers proposed for a question."""
SHORTEST = 6
"""Letters of an answer, slots left out, that says anything."""
MOST_TEXTS = 3000
"""Different wordings of questions that are clustered, the most frequent ones."""


Cluster = tuple[str, str]
"""Topic and most frequent wording of a question."""


class PhrasePair(ToolRow):
    """A question and one of the store's own answers. Texts are null until ``--texts`` or an approval."""

    SCREEN = ("topic", "asked", "slow_share", "question", "answer", "sent", "no_more")

    key: Id = Field(description="To approve it by, in phrases.yaml.")
    topic: Message
    question: str | None
    answer: str | None
    asked: int
    askers: int
    slow_share: Share = Field(description="Share of these questions answered too late or never.")
    sent: int = Field(description="Times people sent this answer to this question.")
    agents: int
    no_more: Share = Field(description="Share of customers who asked nothing more after it.")
    no_more_low: Share = Field(description="Lower end of its interval, by which answers are ranked.")
    median_wait: Seconds
    good_ratings: Share
    approved: bool
    place: Id = Field(description="File and line of one of the questions.")


class FrequentQuestion(ToolRow):
    """A frequent question, whether or not the store has a good answer to it."""

    SCREEN = ("topic", "question", "asked", "askers", "slow_share", "median_wait", "answers")

    topic: Message
    question: str | None
    asked: int
    askers: int
    slow_share: Share
    median_wait: Seconds
    answers: int = Field(description="Answers with enough evidence to propose.")
    place: Id


class ImportLine(ToolRow):
    """A line of the file to import: group, shortcut, text."""

    group: str
    shortcut: str
    text: str


class Phrases(ToolRecord):
    """Prepared phrases from the store's own chats. The first table is the import form; only shown texts stand in it."""

    FIRST: ClassVar[Mapping[str, int]] = {"import_form": 0, "pairs": 10, "questions": 10}

    import_form: tuple[ImportLine, ...] = ()
    pairs: tuple[PhrasePair, ...] = ()
    questions: tuple[FrequentQuestion, ...] = ()


class ApprovedPhrase(StrictModel):
    """A phrase that a person has read; ``text`` replaces the store's own wording, ``shortcut`` is what agents type."""

    text: str | None = None
    shortcut: str | None = None
    group: str | None = None


class PhrasesFile(StrictModel):
    """``phrases.yaml``: approved phrases by key."""

    approved: dict[str, ApprovedPhrase | None] = {}


# -- clusters --------------------------------------------------------------------------------------------------------


def list_pairs(text: str) -> set[str]:
    """The pairs of letters of a text, blanks left out; a single letter is itself."""
    letters = "".join(text.split())
    return {letters[place : place + 2] for place in range(len(letters) - 1)} or {letters}


def cluster_questions(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], tuple[str, str]]:
    """Map each (topic, wording) to the most frequent wording of its topic that shares enough letter pairs with it."""
    leaders: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    known, found = list[tuple[tuple[str, str], set[str]]](), dict[tuple[str, str], tuple[str, str]]()
    for question in sorted(counts, key=lambda one: (-counts[one], one)):
        pairs, index = list_pairs(question[1]), leaders[question[0]]
        shared = Counter(chain.from_iterable(index[pair] for pair in pairs if pair in index))
        alike = [(2 * n / (len(pairs) + len(known[leader][1])), -leader) for leader, n in shared.items()]
        likeness, place = max(alike, default=(0.0, 0))
        if likeness >= ALIKE:
            found[question] = known[-place][0]
            continue
        for pair in pairs:
            index[pair].append(len(known))
        known.append((question, pairs))
        found[question] = question
    return found


# -- reading ---------------------------------------------------------------------------------------------------------

ASKED = """
    SELECT CASE WHEN starts_with(topic, 'other-') THEN 'other' ELSE topic END AS topic, said, entity, agent_id,
           wait_seconds, source_file, source_row, session_id, opened_at,
           opened_at = min(opened_at) OVER (PARTITION BY session_id) AS is_first,
           replied_at IS NULL AND wait_seconds >= getvariable('reply_goal')
               OR wait_seconds > getvariable('reply_goal') AS is_slow,
           replied_at IS NOT NULL AS is_answered
    FROM question_topics
    ORDER BY opened_at, source_file, source_row
"""
ANSWERED = """
    WITH spoken AS (
        SELECT c.session_id, c.sent_at, c.sender_id, m.text, c.source_file, c.source_row
        FROM chat_messages AS c
        JOIN messages AS m USING (source_file, source_row)
        WHERE c.role = 'agent' AND c.event IS NULL AND m.text IS NOT NULL
          AND plain_text(m.text) NOT IN (SELECT plain_text(text) FROM auto_replies WHERE is_suspect AND text IS NOT NULL)
    ),
    rated AS (SELECT session_id, {good} AS is_good FROM sessions WHERE satisfaction IS NOT NULL),
    turned AS (
        SELECT session_id, customer_id, opened_at, replied_at, handled_by,
               lead(opened_at) OVER (PARTITION BY session_id ORDER BY opened_at, source_row) IS NOT NULL AS asks_more
        FROM turns
    )
    SELECT s.session_id, t.opened_at, s.sender_id, s.text, t.customer_id, asks_more, is_good
    FROM spoken AS s
    ASOF JOIN (SELECT session_id, sent_at, is_closer FROM chat_messages WHERE role = 'customer') AS c
        ON s.session_id = c.session_id AND s.sent_at >= c.sent_at
    ASOF JOIN turned AS t ON s.session_id = t.session_id AND s.sent_at >= t.opened_at
    LEFT JOIN rated AS r ON r.session_id = s.session_id
    WHERE t.handled_by = 'human' AND s.sent_at >= t.replied_at
      AND NOT c.is_closer             -- what follows a thank-you is a farewell, after which nobody asks anything
    ORDER BY s.session_id, s.sent_at, s.source_file, s.source_row
"""


class AnswerUse(NamedTuple):
    """An answer sent once."""

    cluster: tuple[str, str]
    text: str
    customer: str
    agent: str
    wait: float
    asks_more: bool
    is_good: bool | None


def build_phrases(inputs: ToolInputs) -> Phrases:
    """Mine questions and answers; needs a chat log with texts. Option ``texts`` shows them."""
    header = inputs.to_header("phrases")
    if not inputs.has("messages.text"):
        needs = explain_need("tools.part.phrases", "messages.text")
        return Phrases(**header, headline=message("tools.phrases.none"), missing=(needs,))
    asked = inputs.fetch(ASKED)
    names = QuestionWriter({(row["said"], row["entity"]) for row in asked})
    bare = {text: names.strip_names(text) for text in {row["said"] for row in asked}}
    for row in asked:
        row["said"] = bare[row["said"]]
    counts = Counter((row["topic"], row["said"]) for row in asked)
    clusters = cluster_questions(dict(counts.most_common(MOST_TEXTS)))
    groups = _group_rows(asked, clusters)
    uses = list(_list_uses(inputs, groups))
    merged = merge_clusters({cluster: len(rows) for cluster, rows in groups.items()}, uses)
    groups = _group_rows(asked, {question: merged[cluster] for question, cluster in clusters.items()})
    frequent = {cluster: rows for cluster, rows in groups.items() if _is_frequent(rows)}
    answers = choose_answers([use._replace(cluster=merged[use.cluster]) for use in uses], set(frequent))
    approved = inputs.read_scheme("phrases.yaml", PhrasesFile) or PhrasesFile()
    words = QuestionWriter((row["said"], row["entity"]) for rows in frequent.values() for row in rows)
    frequent = {cluster: rows for cluster, rows in frequent.items() if words.is_clear(_count_wordings(rows))}
    writer = PhraseWriter(approved.approved, bool(inputs.options.get("texts")), words)
    # what is asked often and answered slowly gains most from a prepared answer
    slow = {cluster: sum(bool(row["is_slow"]) for row in rows) for cluster, rows in frequent.items()}
    order = sorted(frequent, key=lambda cluster: (-slow[cluster], -len(frequent[cluster]), cluster))
    pairs = [writer.to_pair(cluster, frequent[cluster], one) for cluster in order for one in answers.get(cluster, ())]
    return Phrases(
        **header,
        headline=message("tools.phrases.headline", n=len(pairs), questions=len(order)),
        notes=tuple(_list_notes(writer.shows_all, pairs)),
        import_form=tuple(line for pair in pairs for line in writer.to_lines(pair)),
        pairs=tuple(pairs),
        questions=tuple(writer.to_question(one, frequent[one], len(answers.get(one, ()))) for one in order),
    )


def _group_rows(asked: Iterable[Row], clusters: Mapping[Cluster, Cluster]) -> dict[Cluster, list[Row]]:
    groups: dict[Cluster, list[Row]] = defaultdict(list)
    for row in asked:
        cluster = clusters.get((row["topic"], row["said"]))
        if cluster is not None:
            groups[cluster].append(row)
    return groups


def _count_wordings(rows: Iterable[Row]) -> Counter[str]:
    return Counter(row["said"] for row in rows)


def _is_frequent(rows: Sequence[Row]) -> bool:
    """Whether a question is asked often, by several, and sometimes at the start: else it follows from what was said before."""
    opening = sum(row["is_first"] for row in rows)
    return (
        len(rows) >= LEAST_ASKED
        and len({row["entity"] for row in rows}) >= LEAST_ASKERS
        and opening >= LEAST_OPENING * len(rows)
    )


def merge_clusters(asked: Mapping[Cluster, int], uses: Sequence[AnswerUse]) -> dict[Cluster, Cluster]:
    """Map clusters to the most asked one that gets the same answer and is not unlike them.

    So one question in two wordings, or in two topics, is one line to import. An answer joins only questions it hardly
    stands outside of: 'yes, you can' joins nothing.
    """
    sent: dict[str, Counter[Cluster]] = defaultdict(Counter)
    in_cluster = Counter(use.cluster for use in uses)
    for use in uses:
        sent[use.text][use.cluster] += 1
    merged = {cluster: cluster for cluster in asked}
    for text in sorted(sent, key=lambda text: (-sent[text].total(), text)):
        own = [c for c, n in sent[text].items() if n >= LEAST_JOINING and n >= JOINING_SHARE * in_cluster[c]]
        own.sort(key=lambda cluster: (-asked[cluster], cluster))
        related = [c for c in own if _compare(list_pairs(own[0][1]), list_pairs(c[1])) >= RELATED]
        if len(related) > 1 and sum(sent[text][c] for c in related) >= BELONGS * sent[text].total():
            roots = {_find_root(merged, cluster) for cluster in related}
            leader = min(roots, key=lambda cluster: (-asked[cluster], cluster))
            merged |= dict.fromkeys(roots, leader)
    return {cluster: _find_root(merged, cluster) for cluster in merged}


def _find_root(merged: Mapping[Cluster, Cluster], cluster: Cluster) -> Cluster:
    while merged[cluster] != cluster:
        cluster = merged[cluster]
    return cluster


def _compare(first: set[str], second: set[str]) -> float:
    return 2 * len(first & second) / (len(first) + len(second))


def _list_raw_uses(inputs: ToolInputs, groups: Mapping[Cluster, Sequence[Row]]) -> Iterator[AnswerUse]:
    questions = {
        (row["session_id"], row["opened_at"]): (cluster, row) for cluster, own in groups.items() for row in own
    }
    for row in inputs.fetch(ANSWERED.format(good=inputs.catalogue.rules[RATED].measure.good)):
        question = questions.get((row["session_id"], row["opened_at"]))
        if question is None:
            continue
        text = fill_slots(row["text"], row["customer_id"])
        if len(WORDS.findall(re.sub(r"\{\w+\}", "", text))) >= SHORTEST:
            cluster, asked = question
            wait = float(asked["wait_seconds"] or 0)
            yield AnswerUse(
                cluster, text, asked["entity"], row["sender_id"], wait, row["asks_more"], row["is_good"]
            )  # fmt: skip


def _list_uses(inputs: ToolInputs, groups: Mapping[tuple[str, str], Sequence[Row]]) -> Iterator[AnswerUse]:
    """Every line by a person that follows a question, with numbers that differ made slots."""
    uses = list(_list_raw_uses(inputs, groups))
    forms = merge_values({use.text for use in uses})
    uses = [use._replace(text=forms[use.text]) for use in uses]
    for _ in range(OPENINGS):
        bare = strip_openings((use.cluster, use.text) for use in uses)
        uses = [use._replace(text=bare[use.text]) for use in uses]
    return iter(uses)


class ChosenAnswer(NamedTuple):
    """An answer and what speaks for it."""

    text: str
    sent: int
    agents: int
    no_more: float
    no_more_low: float
    wait: float
    good: float | None


def choose_answers(
    uses: Sequence[AnswerUse], frequent: set[tuple[str, str]]
) -> dict[tuple[str, str], list[ChosenAnswer]]:
    """Choose the answers of each frequent question: sent often enough, its own, the best first."""
    total, everywhere = len(uses), Counter(use.text for use in uses)
    in_cluster = Counter(use.cluster for use in uses)
    content = Counter(use.cluster for use in uses if not use.asks_more)
    grouped: dict[tuple[tuple[str, str], str], list[AnswerUse]] = defaultdict(list)
    for use in uses:
        if use.cluster in frequent:
            grouped[use.cluster, use.text].append(use)
    chosen: dict[tuple[str, str], list[ChosenAnswer]] = defaultdict(list)
    for (cluster, text), own in grouped.items():
        answer, share = _weigh_answer(text, own), in_cluster[cluster] / total
        enough = len(own) >= LEAST_SENT and len({use.customer for use in own}) >= LEAST_CUSTOMERS
        is_good = answer.no_more >= content[cluster] / in_cluster[cluster]  # no worse than what is sent there anyway
        if enough and is_good and _is_own(len(own), everywhere[text], share):
            chosen[cluster].append(answer)
    for cluster, answers in chosen.items():
        answers.sort(key=lambda one: (-one.no_more_low, one.wait, -(one.good or 0), one.text))
        usual = content[cluster] / in_cluster[cluster]  # beside the best, only what is no worse beyond chance
        chosen[cluster] = [answers[0], *(answer for answer in answers[1:BEST] if answer.no_more_low >= usual)]
    return dict(chosen)


def _is_own(here: int, everywhere: int, share: float) -> bool:
    """Whether an answer occurs in a cluster, which has a share of all answers, more often than by chance."""
    expected = everywhere * share
    return share == 1 or here - expected >= max((OWN - 1) * expected, BEYOND_CHANCE * math.sqrt(expected * (1 - share)))


def _weigh_answer(text: str, own: Sequence[AnswerUse]) -> ChosenAnswer:
    content = sum(not use.asks_more for use in own)
    ratings = [use.is_good for use in own if use.is_good is not None]
    low, _ = wilson_interval(content, len(own))
    return ChosenAnswer(
        text, len(own), len({use.agent for use in own}), content / len(own), low, median(use.wait for use in own),
        sum(ratings) / len(ratings) if ratings else None,
    )  # fmt: skip


class PhraseWriter:
    """Writes rows, with their texts only where they may be shown."""

    def __init__(self, approved: Mapping[str, ApprovedPhrase | None], shows_all: bool, words: QuestionWriter) -> None:
        self._approved, self.shows_all, self._words = approved, shows_all, words

    def to_pair(self, cluster: tuple[str, str], rows: Sequence[Row], answer: ChosenAnswer) -> PhrasePair:
        """Return a question with one of its answers."""
        key = hashlib.sha256(f"{cluster[0]}\n{answer.text}".encode()).hexdigest()[:8]
        own, is_shown = self._approved.get(key), self.shows_all or key in self._approved
        text = own.text if own and own.text else hide_rest(answer.text) if is_shown else None
        question = self.to_question(cluster, rows, 0)
        return PhrasePair(
            key=key, topic=question.topic, question=self._write(rows) if is_shown else None, answer=text,
            asked=question.asked, askers=question.askers, slow_share=question.slow_share, sent=answer.sent,
            agents=answer.agents, no_more=answer.no_more, no_more_low=answer.no_more_low, median_wait=answer.wait,
            good_ratings=answer.good, approved=key in self._approved, place=question.place,
        )  # fmt: skip

    def _write(self, rows: Sequence[Row]) -> str:
        return scrub(self._words.write(_count_wordings(rows)))

    def to_question(self, cluster: tuple[str, str], rows: Sequence[Row], answers: int) -> FrequentQuestion:
        """Return a frequent question."""
        slow = sum(bool(row["is_slow"]) for row in rows)
        waits = [float(row["wait_seconds"]) for row in rows if row["is_answered"]]
        return FrequentQuestion(
            topic=name_topic(cluster[0]), question=self._write(rows) if self.shows_all else None, asked=len(rows),
            askers=len({row["entity"] for row in rows}), slow_share=slow / len(rows),
            median_wait=median(waits) if waits else None, answers=answers, place=to_place(rows[0]),
        )  # fmt: skip

    def to_lines(self, pair: PhrasePair) -> Iterator[ImportLine]:
        """Yield the line to import, where the text is shown."""
        if pair.answer is not None:
            own = self._approved.get(pair.key) or ApprovedPhrase()
            group = own.group or pair.topic.id.rpartition(".")[2]
            yield ImportLine(group=group, shortcut=own.shortcut or f"{group}-{pair.key[:4]}", text=pair.answer)


def _list_notes(shows_all: bool, pairs: Sequence[PhrasePair]) -> Iterable[Message]:
    if not shows_all:
        yield message("tools.phrases.hidden")
    yield message("tools.phrases.evidence", sent=LEAST_SENT, asked=LEAST_ASKED)
    if pairs:
        yield message("tools.phrases.approve")


RECORD: Any = Phrases
