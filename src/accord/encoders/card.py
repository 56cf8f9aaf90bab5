"""The README of a model folder: what the model is, how to load it, what it learned from, how good it is, its limits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from accord.core.records import Comparison, Score
from accord.core.storage import atomic_file
from accord.encoders.card_merge import merged_from
from accord.encoders.card_pairs import loading_of_pairs, pairs_pipeline, title_of_pairs, what_pairs_are
from accord.encoders.integrity import read_manifest
from accord.encoders.markdown import code, escape, fenced, table

__all__ = ["Facts", "render", "write_card"]

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
TASK_TYPES = {
    "Retrieval": "information-retrieval",
    "Similarity": "semantic-similarity",
    "Classification": "text-classification",
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a model's own files do not say about it; all of it may be unknown.

    Args:
        name: title of the card.
        model: name of this model in `scores`.
        base: what it was trained from: a path, a hub name or `package:MODULE`.
        tasks: rows `{name, signal, objective, evaluation, train, dev, test, truncated}`, one a task.
        data_hashes: SHA-256 of the rows, by `TASK.train`, `TASK.dev` and `TASK.test`.
        recipe: as resolved.
        scores: of this model and of its baselines, with intervals.
        comparisons: paired differences with its baselines.
        level: of the intervals.
        environment: machine and versions.
    """

    name: str = "A text encoder"
    model: str = ""
    base: str = ""
    tasks: Sequence[Mapping[str, Any]] = ()
    data_hashes: Mapping[str, str] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    scores: Sequence[Score] = ()
    comparisons: Sequence[Comparison] = ()
    level: float = 0.95
    environment: Mapping[str, Any] = field(default_factory=dict)


def write_card(folder: Path, facts: Facts | None = None) -> None:
    """Write the README of a folder that :meth:`accord.encoders.TextEncoder.save` made, whole or not at all.

    The README is not among the files whose hashes `accord.json` keeps, so it may be written again, and edited.

    Args:
        folder: with its `accord.json`.
        facts: what is known; only what the folder itself says when not given.

    Raises:
        ModelError: an `accord.json` of another format.
    """
    manifest = read_manifest(folder) or {}
    with atomic_file(folder / "README.md", "w") as handle:
        handle.write(render(manifest, facts or Facts()))


def render(manifest: Mapping[str, Any], facts: Facts) -> str:
    """The text of the card.

    Args:
        manifest: `accord.json` of the model's folder.
        facts: what else is known.

    Returns:
        Markdown with a YAML head that model hubs understand.
    """
    identity, scorer = manifest.get("identity", {}), manifest.get("kind") == "cross-encoder"
    facts = replace(facts, name=title_of_pairs(facts.name)) if scorer else facts
    head = _head(facts) | (pairs_pipeline(identity) if scorer else {})
    own = [what_pairs_are(identity, facts.base), loading_of_pairs(identity)] if scorer else _own_parts(identity, facts)
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---",
        f"# {escape(facts.name)}",
        *own,
        merged_from(manifest.get("metadata", {}).get("merge")),
        _data(facts),
        _scores(facts),
        _comparisons(facts),
        _limits(identity, facts),
        _recipe(facts),
        _versions(manifest, facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _own_parts(identity: Mapping[str, Any], facts: Facts) -> list[str]:
    return [_what(identity, facts), _loading(identity), _prompts(identity)]


def _head(facts: Facts) -> dict[str, Any]:
    """The front matter; what is unknown is left out."""
    head: dict[str, Any] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "accord"],
    }
    if HUB_NAME.fullmatch(facts.base) and not Path(facts.base).exists():
        head["base_model"] = facts.base
    results = _index(facts)
    if results:
        head["model-index"] = [{"name": facts.name, "results": results}]
    return head


def _index(facts: Facts) -> list[dict[str, Any]]:
    evaluations = {str(row["name"]): str(row.get("evaluation", "")).partition(",")[0] for row in facts.tasks}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for score in _own(facts):
        metric = {"type": score.metric.lower(), "value": round(score.score, 4), "name": score.metric}
        found.setdefault((score.task, score.split), []).append(metric)
    return [
        {
            "task": {"type": TASK_TYPES.get(evaluations.get(task, ""), "sentence-similarity")},
            "dataset": {"name": task, "type": re.sub(r"[^a-z0-9._-]+", "-", task.lower()) or "task", "split": split},
            "metrics": metrics,
        }
        for (task, split), metrics in found.items()
    ]


def _own(facts: Facts) -> list[Score]:
    """The scores of this model, of its first seed, that are numbers."""
    own = [s for s in facts.scores if s.model == facts.model and math.isfinite(s.score)]
    return [s for s in own if s.seed == own[0].seed]


def _what(identity: Mapping[str, Any], facts: Facts) -> str:
    longest = identity.get("max_length")
    rows = [
        ("Dimensions", str(identity.get("dim", "unknown"))),
        ("Similarity", str(identity.get("similarity", "unknown"))),
        ("Longest text", "any; nothing is cut" if longest is None else f"{longest} tokens; what is longer is cut"),
        ("Layers", str(identity.get("layers", "unknown"))),
        ("Pooling", ", ".join(map(str, identity.get("pooling", [])))),
        ("Attention", _attention(identity)),
        ("Unit length", "yes" if identity.get("normalizes") else "no"),
        ("Trained from", code(facts.base) if facts.base else ""),
    ]
    kind = "static: a vector a token, no attention" if identity.get("layers") == 0 else "a transformer"
    intro = f"It turns texts into vectors that lie near each other where the texts belong together ({kind})."
    return f"{intro}\n\n" + table(("", ""), [(name, value) for name, value in rows if value])


def _attention(identity: Mapping[str, Any]) -> str:
    if "attention_switch" in identity:
        return f"{identity['attention_switch']}, switched; transformers older than 5.2 may ignore that without a word"
    return "" if identity.get("layers") == 0 else str(identity.get("attention", ""))


def _loading(identity: Mapping[str, Any]) -> str:
    prompts = {name for name, text in identity.get("prompts", {}).items() if text}
    if prompts & {"query", "document", "passage", "corpus"}:
        calls = ['encode_query(["a question"])', 'encode_document(["a text"])']
    else:
        calls = [f'encode(["a text"], prompt_name={name!r})' for name in sorted(prompts)] or ['encode(["a text"])']
    uses = "\n".join(f"model.{call}" for call in calls)
    ours = f'import accord\n\nmodel = accord.load("path/to/this/folder")\n{uses}'
    known = "from sentence_transformers import SentenceTransformer"
    if identity.get("backbone") == "SlicedBert":
        known = f"import accord.encoders.text.sliced  # the kind of model is accord's own\n{known}"
    theirs = f'{known}\n\nmodel = SentenceTransformer("path/to/this/folder")\n{uses}'
    return f"## Use\n\n{fenced(ours, 'python')}\n\n{fenced(theirs, 'python')}"


def _prompts(identity: Mapping[str, Any]) -> str:
    prompts = {name: text for name, text in identity.get("prompts", {}).items() if text}
    if not prompts:
        return "No prompt is put before texts."
    default = identity.get("default_prompt_name")
    words = f"`encode` puts {code(prompts[default])} before texts when told nothing. " if default in prompts else ""
    rows = [(code(name), code(text)) for name, text in prompts.items()]
    return (
        f"## Prompts\n\n{words}Ask for one by `encode(texts, prompt_name=...)`; `encode_query` and `encode_document` "
        "take those of their names.\n\n" + table(("name", "put before a text"), rows)
    )


def _data(facts: Facts) -> str:
    if not facts.tasks:
        return ""
    names, parts = ("name", "signal", "objective"), ("train", "dev", "test")
    rows = [
        (*(escape(str(row.get(name, ""))) for name in names), *(f"{row.get(part, 0):,}" for part in parts))
        for row in facts.tasks
    ]
    text = "## Training data\n\n" + table(("task", "signal", "objective", *parts), rows)
    if facts.data_hashes:
        hashes = [(code(name), code(digest)) for name, digest in facts.data_hashes.items()]
        text += "\n\nThe rows of each part, by SHA-256:\n\n" + table(("part", "SHA-256"), hashes)
    return text


def _scores(facts: Facts) -> str:
    if not facts.scores:
        return ""
    rows = [
        (
            escape(score.task),
            escape(score.metric),
            f"**{escape(score.model)}**" if score.model == facts.model else escape(score.model),
            f"{score.score:.4f}",
            f"{score.ci[0]:.4f} to {score.ci[1]:.4f}",
            f"{score.n:,}",
        )
        for score in sorted(facts.scores, key=lambda s: (s.task, s.metric, s.model != facts.model, s.seed))
        if score.primary
    ]
    interval = f"{100 * facts.level:g} % interval"
    words = f"On held-out rows of the same sources; this model is **{escape(facts.model)}**." if facts.model else ""
    return f"## Scores\n\n{words}\n\n" + table(("task", "metric", "model", "score", interval, "examples"), rows)


def _comparisons(facts: Facts) -> str:
    rows = [
        (
            escape(one.task),
            escape(one.metric),
            f"{escape(one.a)} - {escape(one.b)}",
            f"{one.effect:+.4f}",
            f"{one.ci[0]:+.4f} to {one.ci[1]:+.4f}",
            f"{one.p:.3g}",
            "yes" if one.distinguishable else "no",
        )
        for one in facts.comparisons
        if facts.model in {one.a, one.b}
    ]
    if not rows:
        return ""
    head = ("task", "metric", "difference", "effect", f"{100 * facts.level:g} % interval", "p", "distinguishable")
    return "Paired differences, example by example; p after Holm's correction:\n\n" + table(head, rows)


def _limits(identity: Mapping[str, Any], facts: Facts) -> str:
    longest = identity.get("max_length")
    lines = []
    if longest is not None:
        lines.append(f"Texts are cut at {longest} tokens; the model reads nothing after that.")
    cut = {str(row["name"]): row["truncated"] for row in facts.tasks if row.get("truncated")}
    lines += [f"{count:,} training texts of {escape(task)} were cut so." for task, count in cut.items()]
    own = _own(facts)
    if own:
        tasks = ", ".join(escape(task) for task in dict.fromkeys(score.task for score in own))
        lines.append(f"Tested on {tasks} only: on other subjects, languages and lengths its quality is not known.")
    else:
        lines.append("No scores travel with this model: its quality is not known for any subject, language or length.")
    lines.append("It repeats the leanings of its training data and of the model it was trained from.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _recipe(facts: Facts) -> str:
    if not facts.recipe:
        return ""
    text = yaml.safe_dump(dict(facts.recipe), sort_keys=False, allow_unicode=True).rstrip()
    return f"## Recipe\n\n`accord fit` with this file, its data beside it, trains it again.\n\n{fenced(text, 'yaml')}"


def _versions(manifest: Mapping[str, Any], facts: Facts) -> str:
    versions = {"accord": manifest.get("version", ""), **facts.environment.get("versions", {})}
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    digest = manifest.get("fingerprint", "")
    lines = [f"Saved by {escape(shown)}."] if shown else []
    lines += [f"Fingerprint of the weights and settings: {code(digest)}. `accord doctor` checks it."] if digest else []
    return "## Versions\n\n" + "\n".join(lines) if lines else ""
