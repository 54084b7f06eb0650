"""How fast the embedded index answers, beside tantivy asked directly for the same hits, totals and facets.

    python tests/bench/search_speed.py --records 100000 --json speed.json

Synthetic records; restricted and unrestricted viewer; p50 and p95 in milliseconds over `--rounds` rounds. A ratio is
the p50 of the adapter over that of tantivy asked directly.
"""

import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import click
import tantivy

from archive_app.core.ports import Clause, IndexDocument, Query
from archive_app.core.vocabulary import Level, RecordId, UserId, Viewer
from search.embedded import TantivyIndex
from search.text import phrases

FONDS = [f"Z{number}" for number in range(101, 151)]
CLASSES = [f"YB{number:02d}" for number in range(60)]
TYPES = ["reimbursement", "transfer", "registration", "settlement", "referral", "contract", "notice", "roster"]
FACETS = ("class", "type", "year", "fonds", "state")
FACET_FIELDS = {"class": "class_code"}
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉华建国志文斌鹏宇欣怡梓涵浩然子轩雨桐思源俊熙"
PLACES = ["南京", "苏州", "无锡", "常州", "镇江", "扬州", "泰州", "盐城", "淮安", "宿迁", "连云港", "徐州", "南通"]
FORMS = [
    "参保人员姓名{name},身份证号码已核,缴费基数{amount}元,缴费月数{count}个月。",
    "兹有我单位职工{name}因病于{date}在{place}市第{count}人民医院住院治疗,医疗费用合计{amount}元。",
    "医疗保险零星报销申请表\n申请人:{name}\n申请日期:{date}\n金额(小写):{amount}",
    "经办机构意见:同意报销统筹基金支付{amount}元,个人自付{count}元。经办人{name}",
    "异地就医备案登记:{name}自{date}起在{place}市居住,备案有效期{count}年。",
    "定点零售药店{place}大药房第{count}分店协议续签,负责人{name},{date}。",
    "转移接续手续:{name}基本医疗保险关系由{place}市转出,累计缴费{count}个月。",
    "{place}市医疗保障局\n关于{name}等人待遇核定的通知\n经审核,符合政策规定,自{date}起享受待遇。",
]
FORM_WEIGHTS = [30, 30, 30, 30, 1, 1, 10, 20]
FREQUENT = "医疗"
PHRASES = {
    "two characters, in most documents": FREQUENT,
    "two characters, medium": "异地",
    "three characters, in most documents": "医疗保",
    "four characters, in most documents": "医疗保险",
    "four characters, medium": "异地就医",
    "eight characters, medium": "定点零售药店南京",
    "one character, in most documents": "医",
    "a date": "2024年3月2日",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One question, put to the adapter and to the engine."""

    name: str
    viewer: Viewer
    query: Query


def documents(count: int, seed: int) -> Iterator[IndexDocument]:
    """Invented records; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    people = [chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=2)) for _ in range(20_000)]
    weights = [1 / (rank + 10) for rank in range(len(people))]
    chosen = chance.choices(people, weights, k=count)
    for number, name in enumerate(chosen):
        year, month, day = chance.randint(2005, 2024), chance.randint(1, 12), chance.randint(1, 28)
        lines = [
            chance.choices(FORMS, FORM_WEIGHTS)[0].format(
                name=name if chance.random() < 0.5 else chance.choice(people),
                amount=f"{chance.uniform(10, 90000):,.2f}",
                count=chance.randint(1, 99),
                date=f"{chance.randint(2005, 2024)}年{chance.randint(1, 12)}月{chance.randint(1, 28)}日",
                place=chance.choice(PLACES),
            )
            for _ in range(chance.randint(8, 30))
        ]
        fonds, class_code = chance.choice(FONDS), chance.choice(CLASSES)
        yield IndexDocument(
            record=RecordId(UUID(int=chance.getrandbits(128))),
            version=1,
            fonds=fonds,
            level=chance.choices(range(4), [1, 5, 3, 1])[0],
            state="filed",
            code=f"{fonds}-ZY·{class_code}·{year}·D10-{number:05d}",
            title=chance.choice(["医疗费用报销申请表", "异地就医备案登记表", "转移接续申请表", "定点协议"]),
            type=chance.choice(TYPES),
            class_code=class_code,
            year=year,
            date=year * 10_000 + month * 100 + day,
            names=(name,),
            number_hashes=(f"{number:064x}",),
            pages=tuple("\n".join(lines[i : i + 12]) for i in range(0, len(lines), 12)),
        )


def viewers() -> dict[str, Viewer]:
    def one(fonds: list[str], clearance: Level) -> Viewer:
        return Viewer(UserId(UUID(int=1)), "bench", frozenset(), frozenset(), clearance, fonds_codes=frozenset(fonds))

    return {"unrestricted": one(FONDS, Level.HIGHLY_SENSITIVE), "restricted": one(FONDS[:5], Level.INTERNAL)}


def cases(sample: IndexDocument) -> Iterator[Case]:
    narrow = {
        "fonds": tuple(FONDS[:10]),
        "class": tuple(CLASSES[:20]),
        "year": ("2020", "2021", "2022"),
        "state": ("filed",),
    }
    for who, viewer in viewers().items():

        def case(name: str, query: Query, who: str = who, viewer: Viewer = viewer) -> Case:
            return Case(f"{name}, {who}", viewer, query)

        def asked(*words: str) -> tuple[Clause, ...]:
            return tuple(Clause("text", word) for word in words)

        yield case("personal number", Query((Clause("number", sample.number_hashes[0]),), order="newest", facets=()))
        yield case("archival number", Query(asked(sample.code), order="newest", facets=()))
        yield case("a name", Query(asked(sample.names[0]), order="newest", facets=()))
        for name, phrase in PHRASES.items():
            yield case(name, Query(asked(phrase), order="newest", facets=()))
        yield case("three frequent words", Query(asked("医疗", "申请", "缴费"), order="newest", facets=()))
        yield case("frequent, four filters", Query(asked(FREQUENT), narrow, order="newest", facets=()))
        yield case("frequent, facets", Query(asked(FREQUENT), order="newest", facets=FACETS))
        yield case("frequent, four filters, facets", Query(asked(FREQUENT), narrow, order="newest", facets=FACETS))
        yield case("frequent, best first", Query(asked(FREQUENT), order="best", facets=()))
        yield case("everything, facets", Query((), order="newest", facets=FACETS))


class Direct:
    """tantivy asked as one would without the adapter: only phrases over tokens, terms, and its own order."""

    def __init__(self, folder: Path) -> None:
        self.index = tantivy.Index.open(str(folder))
        self.searcher = self.index.searcher()

    def asking(self, case: Case) -> Callable[[], int]:
        schema, must = self.index.schema, []
        must.append(tantivy.Query.term_set_query(schema, "fonds", sorted(case.viewer.fonds_codes)))
        must.append(tantivy.Query.term_set_query(schema, "level", list(range(int(case.viewer.clearance) + 1))))
        for key, values in case.query.filters.items():
            must.append(tantivy.Query.term_set_query(schema, FACET_FIELDS.get(key, key), list(values)))
        for clause in case.query.clauses:
            must += self._clause(clause)
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, part) for part in must])
        newest = case.query.order == "newest"
        aggregation = {key: {"terms": {"field": FACET_FIELDS.get(key, key), "size": 1000}} for key in case.query.facets}

        def ask() -> int:
            found = self.searcher.search(query, limit=20, order_by_field="sort_key" if newest else None)
            if aggregation:
                self.searcher.aggregate(query, aggregation)
            self.searcher.fast_field_values("record_high", [address for _, address in found.hits])
            return int(found.count)

        return ask

    def _clause(self, clause: Clause) -> list[tantivy.Query]:
        schema = self.index.schema
        if clause.kind == "number":
            return [tantivy.Query.term_query(schema, "number_hash", clause.value, "basic")]
        parts = []
        for phrase in phrases(clause.value):
            if phrase.initial:
                parts.append(tantivy.Query.regex_query(schema, "text", phrase.initial + ".?"))
            elif len(phrase.tokens) == 1:
                parts.append(tantivy.Query.term_query(schema, "text", phrase.tokens[0], "freq"))
            else:
                parts.append(tantivy.Query.phrase_query(schema, "text", list(phrase.tokens)))
        return parts


def timed(ask: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    answer = ask()
    return (time.perf_counter() - start) * 1000, answer


def quantiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3)}


def measured(case: Case, index: TantivyIndex, direct: Direct, rounds: int) -> dict[str, object]:
    """Both ways by turns, so that a busy machine slows both."""
    ways: dict[str, Callable[[], int]] = {
        "adapter": lambda: index.search(case.query, viewer=case.viewer).total,
        "direct": direct.asking(case),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    totals = {way: ask() for way, ask in ways.items()}
    if totals["adapter"] != totals["direct"]:
        message = f"{case.name}: {totals}"
        raise click.ClickException(message)
    for _ in range(rounds):
        for way, ask in ways.items():
            times[way].append(timed(ask)[0])
    found = {way: quantiles(values) for way, values in times.items()}
    ratio = round(found["adapter"]["p50"] / found["direct"]["p50"], 2)
    return {"case": case.name, "total": totals["adapter"], **found, "ratio": ratio}


@click.command()
@click.option("--records", default=100_000, show_default=True)
@click.option("--rounds", default=30, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Where the numbers go as JSON.")
def main(records: int, rounds: int, seed: int, output: Path | None) -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder) / "index")
        start = time.perf_counter()
        with index.rebuild() as fresh:
            fresh.put(documents(records, seed))
        seconds = time.perf_counter() - start
        status = dict(index.status())
        generation = Path(folder) / "index" / (Path(folder) / "index" / "CURRENT").read_text()
        direct = Direct(generation)
        sample = next(documents(records, seed))
        rows = [measured(case, index, direct, rounds) for case in cases(sample)]
    report = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
        "index": {**status, "documents_per_second": round(records / seconds)},
        "rows": rows,
    }
    if output:
        output.write_text(json.dumps(report, ensure_ascii=False, indent=1))
    click.echo(json.dumps(report["index"]))
    click.echo(f"{'case':55} {'total':>8} {'p50':>8} {'p95':>8} {'direct p50':>11} {'p95':>8} {'ratio':>6}")
    for row in rows:
        adapter, plain = row["adapter"], row["direct"]
        click.echo(
            f"{row['case']:55} {row['total']:8} {adapter['p50']:8.2f} {adapter['p95']:8.2f}"  # type: ignore[index]
            f" {plain['p50']:11.2f} {plain['p95']:8.2f} {row['ratio']:6}"  # type: ignore[index]
        )


if __name__ == "__main__":
    main()
