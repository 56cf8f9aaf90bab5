"""Made-up data of every shape that claims read."""

import json

THINGS = ("file", "row", "list", "name", "code", "text")


def sentence(n):
    return f"{'Read' if n % 2 else 'Write'} the {THINGS[n % 6]} number {n} of {THINGS[n // 6 % 6]}."


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def retrieval(folder, *, splits):
    documents = [
        {
            "id": f"d{n}",
            "title": "",
            "text": f"{folder.name}: {sentence(n)} Then close {n} slowly. Number {n} is {folder.name}.",
        }
        for n in range(60)
    ]
    lines(folder / "corpus.jsonl", documents)
    lines(
        folder / "queries.jsonl",
        [{"id": f"q{n}", "text": f"{folder.name}, what is {n} in {THINGS[n % 6]}?"} for n in range(60)],
    )
    for k, split in enumerate(splits):
        chosen = range(20 * k, 20 * (k + 1)) if len(splits) > 1 else range(60)
        rows = "".join(f"q{n}\td{n}\t1\n" for n in chosen)
        (folder / f"qrels{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)


def scored(folder):
    for k, part in enumerate(("train", "dev", "test")):
        rows = [
            {
                "text1": f"{folder.name} {sentence(100 * k + n)}",
                "text2": f"{folder.name} {sentence(100 * k + n + n % 4)}",
                "score": 5 - n % 4 - n / 100,
            }
            for n in range(40)
        ]
        lines(folder / f"{part}.jsonl", rows)


def labelled(folder):
    for k, part in enumerate(("train", "test")):
        rows = [{"text": f"{folder.name} {sentence(100 * k + n)}", "label": THINGS[n % 3]} for n in range(45)]
        lines(folder / f"{part}.jsonl", rows)


def pairs(folder, files=()):
    for k, part in enumerate(files or ("train", "test")):
        rows = [
            {"anchor": f"{folder.name} {part} {n}", "positive": f"{folder.name} {part} {sentence(200 * k + n)}"}
            for n in range(40)
        ]
        rows = [{**row, "text1": sentence(500 + n), "text2": sentence(700 + n)} for n, row in enumerate(rows)]
        lines(folder / f"{part}.jsonl", rows)


def triplets(folder):
    rows = [
        {
            "anchor": f"triplet {sentence(300 + n)}",
            "positive": f"entailed {sentence(400 + n)}",
            "negative": f"against {sentence(500 + n)}",
        }
        for n in range(40)
    ]
    lines(folder / "triplets.train.jsonl", rows)
    pairs(folder)


def entities(folder):
    rows = [f'{n:08d}\t{THINGS[n % 6]} {n}, a thing that one can {n} times open; "as in {n}"\n' for n in range(60)]
    (folder / "entity2text.tsv").write_text("".join(rows))


def sequences(folder):
    rows = []
    for user in range(24):
        items = [f"{folder.name} {(7 * user + step * step) % 6 * 10 + (user + step) % 10}" for step in range(20)]
        rows.append({"user": user, "items": list(dict.fromkeys(items)), "ratings": None})
    lines(folder / "sequences.jsonl", rows)


def dialogues(folder):
    for k, part in enumerate(("train", "dev", "test")):
        turns = [
            {
                "text": sentence(100 * k + n),
                "services": [f"{THINGS[n % 3]}s_{1 + n % 2}"],
                "acts": [["ASK" if n % 2 else "TELL", THINGS[n // 3 % 4]]],
            }
            for n in range(48)
        ]
        lines(folder / f"{part}.jsonl", [{"id": f"{part} {n}", "turns": turns[n : n + 6]} for n in range(0, 48, 6)])


def aspects(folder):
    for k, part in enumerate(("train", "test")):
        rows = [
            {
                "id": f"{part} {n}",
                "sentences": [sentence(100 * k + n), f"It is about {THINGS[n % 6]}."],
                "salient": {"Task": [THINGS[n % 5]], "Material": [THINGS[n % 4]]},
                "mentions": {"Method": {f"Method-{n % 18}": 4, f"own {n}": 1}},
            }
            for n in range(36)
        ]
        lines(folder / f"{part}.jsonl", rows)


def made_up(folder, role):
    """Fill a role's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if role.shape == "retrieval":
        retrieval(folder, splits=("",) if role.folder in {"cranfield", "cisi"} else (".train", ".dev", ".test"))
    elif role.shape == "pairs":
        pairs(folder, role.files)
    else:
        makers = (scored, labelled, triplets, entities, sequences, dialogues, aspects)
        {maker.__name__: maker for maker in makers}[role.shape](folder)
