"""What every search index keeps of its promises; a new adapter is one more line in `index`."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from elastic_indices import an_elastic_index
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_search_index import MemoryIndex

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.ports import Clause, HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import Level, RecordId, UserId, Viewer
from search.embedded import TantivyIndex
from search.text import contains, run_texts

CITIZEN = "320106198001011235"
INVOICE = "24322000000012345678"


def a_document(record: int | UUID | None = None, **changes: object) -> IndexDocument:
    identity = UUID(int=record) if isinstance(record, int) else record or uuid4()
    fields: dict[str, object] = {
        "record": RecordId(identity),
        "version": 1,
        "fonds": "Z109",
        "level": int(Level.INTERNAL),
        "state": "filed",
        "code": "Z109-ZY·YB03·2024·D10-00001",
        "title": "医疗费用报销申请表",
        "type": "reimbursement",
        "class_code": "YB03",
        "year": 2024,
        "date": 20240302,
    }
    return IndexDocument(**{**fields, **changes})  # type: ignore[arg-type]  # a factory


def a_viewer(*fonds: str, clearance: Level = Level.HIGHLY_SENSITIVE) -> Viewer:
    return Viewer(UserId(uuid4()), "someone", frozenset(), frozenset(), clearance, fonds_codes=frozenset(fonds))


EVERYTHING = a_viewer("Z109", "Z200")


def asked(*words: str, **changes: object) -> Query:
    return Query(tuple(Clause("text", word) for word in words), **changes)  # type: ignore[arg-type]  # a factory


def found(index: SearchIndex, *words: str, viewer: Viewer = EVERYTHING, **changes: object) -> set[int]:
    page = index.search(asked(*words, **changes), viewer=viewer)
    assert page.exact
    assert page.total == len(page.hits)
    return {hit.record.int for hit in page.hits}


def all_pages(index: SearchIndex, query: Query) -> Iterator[HitPage]:
    after = None
    while True:
        page = index.search(
            Query(query.clauses, query.filters, query.order, query.size, after, query.facets), viewer=EVERYTHING
        )
        yield page
        after = page.after
        if after is None:
            return


@pytest.fixture(params=["memory", "tantivy", pytest.param("elasticsearch", marks=pytest.mark.services)])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchIndex]:
    if request.param == "memory":
        yield MemoryIndex()
    elif request.param == "tantivy":
        yield TantivyIndex(tmp_path / "index")
    else:
        with an_elastic_index() as index:
            yield index


class TestFinding:
    def test_a_word_of_two_characters_inside_a_form_finds_exactly_its_records(self, index: SearchIndex):
        index.put([a_document(1, pages=("参保人张三于南京市就医",)), a_document(2, pages=("参保人李四于苏州市就医",))])
        assert found(index, "张三") == {1}
        assert found(index, "州市") == {2}
        assert found(index, "就医") == {1, 2}
        assert found(index, "于南京市就医") == {1}
        assert found(index, "张三于苏州") == set()

    @pytest.mark.parametrize("between", ["、", ",", "。", "\n", "\r\n", ":", "(", " / "])
    def test_no_phrase_crosses_punctuation_or_a_line_end(self, index: SearchIndex, between: str):
        index.put([a_document(1, pages=(f"张三{between}李四",))])
        assert found(index, "张三") == found(index, "李四") == {1}
        assert found(index, "三李") == found(index, "张三李四") == set()

    def test_no_phrase_crosses_from_one_part_to_the_next(self, index: SearchIndex):
        index.put(
            [
                a_document(
                    1, title="甲乙", names=("丙丁", "戊己"), description="庚辛 7", pages=("8 子丑", "寅卯"), code="A-1"
                )
            ]
        )
        for inside in ("甲乙", "丙丁", "戊己", "庚辛7", "8子丑", "寅卯", "A-1"):
            assert found(index, inside) == {1}, inside
        for across in ("乙丙", "丁戊", "己庚", "7 8", "丑寅", "1庚", "1丙"):
            assert found(index, across) == set(), across

    def test_spread_names_and_names_with_a_dot_are_found_however_they_are_written(self, index: SearchIndex):
        index.put([a_document(1, pages=("姓  名:买买提·吐尔逊",))])
        for form in ("姓名", "买买提·吐尔逊", "买买提吐尔逊", "买买提•吐尔逊", "买买提", "吐尔逊"):
            assert found(index, form) == {1}, form

    @pytest.mark.parametrize(
        "question", ["45,055.44", "45055.44", "45055", "2024-03-02", "2024/03", "３月2日", "ｃｔ检查", "CT", "第3"]
    )
    def test_amounts_dates_and_mixed_words_are_found(self, index: SearchIndex, question: str):
        index.put([a_document(1, pages=("金额45,055.44元 2024-03-02 第3月2日 CT检查",)), a_document(2)])
        assert found(index, question) == {1}

    def test_words_of_letters_and_digits_are_found_whole_only(self, index: SearchIndex):
        index.put([a_document(1, pages=("编号ABC123",))])
        assert found(index, "abc123") == {1}
        assert found(index, "ABC") == found(index, "123") == found(index, "bc123") == set()

    def test_names_the_archival_number_and_document_numbers_are_found(self, index: SearchIndex):
        index.put([a_document(1, names=("张三丰",), numbers=(INVOICE,)), a_document(2, code="Z109-ZY·YB03·2024·D10-2")])
        assert found(index, "张三丰") == {1}
        assert found(index, "Z109-ZY·YB03·2024·D10-00001") == {1}
        assert found(index, INVOICE) == {1}
        assert found(index, INVOICE[:12]) == set()

    def test_a_single_character_finds_every_text_that_has_it(self, index: SearchIndex):
        index.put([a_document(n, pages=(text,)) for n, text in enumerate(["张", "李张", "张李", "3张4", "弓长"])])
        assert found(index, "张") == {0, 1, 2, 3}

    def test_all_clauses_must_hold_in_whatever_part(self, index: SearchIndex):
        index.put([a_document(1, names=("张三",), pages=("南京",)), a_document(2, names=("张三",), pages=("苏州",))])
        assert found(index, "张三", "苏州") == {2}

    def test_a_clause_without_anything_to_search_finds_nothing(self, index: SearchIndex):
        index.put([a_document(1)])
        assert found(index, "。、") == set()

    def test_no_clause_asks_for_everything(self, index: SearchIndex):
        index.put([a_document(1), a_document(2)])
        assert found(index) == {1, 2}

    def test_rare_and_compatibility_characters_are_found(self, index: SearchIndex):
        index.put([a_document(1, pages=("𠮷田㐂子、㈱①豈有此理、二〇二四年",))])
        for form in ("𠮷田", "田㐂", "㐂子", "株", "豈有", "豈有此理", "二〇二四"):
            assert found(index, form) == {1}, form
        assert found(index, "𠮷㐂") == set()


class TestPersonalNumbers:
    @pytest.mark.parametrize("written", [CITIZEN, "320106 19800101 1235", "身份证" + CITIZEN + "号"])
    def test_a_personal_number_in_a_text_is_not_found_by_any_of_its_parts(self, index: SearchIndex, written: str):
        index.put([a_document(1, pages=(f"参保人 {written}",), description=written)])
        assert found(index, "参保人") == {1}
        for part in (CITIZEN, CITIZEN[:11], CITIZEN[:6], CITIZEN[6:14], CITIZEN[-4:], "19800101", "1235"):
            assert found(index, part) == set(), part

    def test_a_personal_number_is_found_by_its_hash_and_whole(self, index: SearchIndex):
        index.put([a_document(1, number_hashes=("ab" * 32, "cd" * 32)), a_document(2, number_hashes=("ef" * 32,))])
        for value, records in (("cd" * 32, [1]), ("cd" * 16, []), ("", [])):
            page = index.search(Query((Clause("number", value),)), viewer=EVERYTHING)
            assert [hit.record.int for hit in page.hits] == records


class TestScope:
    @pytest.fixture
    def filled(self, index: SearchIndex) -> SearchIndex:
        index.put(
            [
                a_document(1, pages=("秘密",)),
                a_document(
                    2, fonds="Z200", class_code="YB99", type="hidden", year=1999, state="review", pages=("秘密",)
                ),
                a_document(3, level=int(Level.HIGHLY_SENSITIVE), class_code="YB98", year=1998, pages=("秘密",)),
            ]
        )
        return index

    @pytest.mark.parametrize("query", [Query(), asked("秘密"), asked("秘"), asked("秘密", order="newest")])
    def test_what_is_outside_the_scope_leaves_no_trace(self, filled: SearchIndex, query: Query):
        page = filled.search(query, viewer=a_viewer("Z109", clearance=Level.SENSITIVE))
        assert [hit.record.int for hit in page.hits] == [1]
        assert page.total == 1
        assert page.facets == {
            "class": {"YB03": 1},
            "type": {"reimbursement": 1},
            "year": {"2024": 1},
            "fonds": {"Z109": 1},
            "state": {"filed": 1},
        }

    def test_no_fonds_means_no_hits(self, filled: SearchIndex):
        for query in (Query(), asked("秘密"), Query(filters={"fonds": ("Z109",)})):
            page = filled.search(query, viewer=a_viewer())
            assert (page.hits, page.total, page.after) == ((), 0, None)
            assert not any(page.facets.values())

    def test_a_filter_does_not_widen_the_scope(self, filled: SearchIndex):
        query = Query(filters={"fonds": ("Z200",)})
        page = filled.search(query, viewer=a_viewer("Z109"))
        assert (page.hits, page.total) == ((), 0)

    @pytest.mark.parametrize("clearance", list(Level))
    def test_each_level_is_seen_from_its_own_clearance_upwards(self, index: SearchIndex, clearance: Level):
        index.put([a_document(int(level) + 1, level=int(level)) for level in Level])
        seen = found(index, viewer=a_viewer("Z109", clearance=clearance))
        assert seen == {int(level) + 1 for level in Level if level <= clearance}


class TestFiltersAndFacets:
    @pytest.fixture
    def filled(self, index: SearchIndex) -> SearchIndex:
        index.put(
            [
                a_document(1, class_code="YB01", year=2022, providers=("p1", "p2"), persons=("x",)),
                a_document(2, class_code="YB02", year=2023, providers=("p2",), state="review"),
                a_document(3, class_code="YB02", year=None, type=None, fonds="Z200"),
            ]
        )
        return index

    @pytest.mark.parametrize(
        ("filters", "records"),
        [
            ({"class": ("YB02",)}, {2, 3}),
            ({"class": ("YB01", "YB02")}, {1, 2, 3}),
            ({"year": ("2022", "2023")}, {1, 2}),
            ({"provider": ("p2",), "class": ("YB02",)}, {2}),
            ({"person": ("x",)}, {1}),
            ({"fonds": ("Z200",)}, {3}),
            ({"state": ("review",)}, {2}),
            ({"type": ("reimbursement",)}, {1, 2}),
            ({"year": ("2099",)}, set()),
            ({"year": ()}, set()),
        ],
    )
    def test_filters_hold_all_together_and_values_of_one_are_alternatives(
        self, filled: SearchIndex, filters: dict[str, tuple[str, ...]], records: set[int]
    ):
        assert found(filled, filters=filters) == records

    def test_facets_count_what_matches(self, filled: SearchIndex):
        page = filled.search(Query(size=1, facets=("class", "year", "provider")), viewer=EVERYTHING)
        assert page.facets == {
            "class": {"YB01": 1, "YB02": 2},
            "year": {"2022": 1, "2023": 1},
            "provider": {"p1": 1, "p2": 2},
        }

    def test_more_values_than_an_engine_gives_by_itself_are_all_counted(self, index: SearchIndex):
        index.put([a_document(n, class_code=f"C{n}") for n in range(1, 101)])
        page = index.search(Query(facets=("class",)), viewer=EVERYTHING)
        assert page.facets["class"] == {f"C{n}": 1 for n in range(1, 101)}

    @pytest.mark.parametrize(
        "query",
        [
            Query(filters={"level": ("3",)}),
            Query(facets=("level",)),
            Query(order="oldest"),
            Query(size=0),
            Query(size=501),
        ],
    )
    def test_what_no_index_knows_is_invalid_input(self, filled: SearchIndex, query: Query):
        with pytest.raises(InvalidInput):
            filled.search(query, viewer=EVERYTHING)


class TestOrderAndPaging:
    def test_newest_first_then_by_record(self, index: SearchIndex):
        days = {1: 20240101, 2: 20240301, 3: 20240201, 4: 20240301, 5: None, 6: 20231231}
        index.put([a_document(n, date=day) for n, day in days.items()])
        page = index.search(Query(order="newest"), viewer=EVERYTHING)
        assert [hit.record.int for hit in page.hits] == [2, 4, 3, 1, 6, 5]

    def test_a_record_whose_title_holds_the_words_comes_first(self, index: SearchIndex):
        index.put([a_document(n, title="报销单", pages=("转院申请" * 3,)) for n in range(1, 6)])
        index.put([a_document(9, title="转院申请表", pages=("无",), date=19990101)])
        page = index.search(asked("转院申请"), viewer=EVERYTHING)
        assert page.hits[0].record.int == 9

    @pytest.mark.parametrize("order", ["best", "newest"])
    @pytest.mark.parametrize("size", [1, 7, 20])
    def test_pages_show_every_hit_once_even_if_all_are_alike(self, index: SearchIndex, order: str, size: int):
        index.put([a_document(n, date=20240101 + n % 3, pages=("医保报销",)) for n in range(1, 42)])
        pages = list(all_pages(index, asked("报销", order=order, size=size)))
        shown = [hit.record.int for page in pages for hit in page.hits]
        assert shown == sorted(range(1, 42), key=lambda n: (-(n % 3), n))
        assert {page.total for page in pages} == {41}
        assert all(page.facets == pages[0].facets for page in pages)

    def test_a_page_that_is_just_full_has_no_next(self, index: SearchIndex):
        index.put([a_document(n) for n in range(1, 4)])
        assert index.search(Query(size=3), viewer=EVERYTHING).after is None

    def test_a_record_that_comes_meanwhile_does_not_shift_the_next_page_by_date(self, index: SearchIndex):
        index.put([a_document(n, date=20240100 + n) for n in range(1, 7)])
        first = index.search(Query(order="newest", size=3), viewer=EVERYTHING)
        index.put([a_document(9, date=20240131)])
        second = index.search(Query(order="newest", size=3, after=first.after), viewer=EVERYTHING)
        assert [hit.record.int for hit in second.hits] == [3, 2, 1]

    @pytest.mark.parametrize("after", ["", "x", "AAAA", "é", "W10", "WzEsMiwzLDQsNSw2XQ", "=" * 900, "bnVsbA", "[[[["])
    def test_a_cursor_that_nobody_gave_is_invalid_input(self, index: SearchIndex, after: str):
        with pytest.raises(InvalidInput):
            index.search(Query(after=after), viewer=EVERYTHING)

    def test_a_cursor_of_another_question_is_invalid_input(self, index: SearchIndex):
        index.put([a_document(n) for n in range(1, 4)])
        after = index.search(Query(size=1), viewer=EVERYTHING).after
        for other in (
            asked("报销", after=after),
            Query(order="newest", after=after),
            Query((), {"year": ("1",)}, after=after),
        ):
            with pytest.raises(InvalidInput):
                index.search(other, viewer=EVERYTHING)


class TestKeeping:
    def test_a_newer_version_replaces_and_an_older_one_never_wins(self, index: SearchIndex):
        index.put([a_document(1, version=2, pages=("第二",))])
        index.put([a_document(1, version=1, pages=("第一",))])
        assert (found(index, "第二"), found(index, "第一")) == ({1}, set())
        index.put([a_document(1, version=3, pages=("第三",)), a_document(1, version=2, pages=("第二",))])
        assert (found(index, "第三"), found(index, "第二")) == ({1}, set())
        assert list(index.versions()) == [(UUID(int=1), 3)]
        assert [hit.version for hit in index.search(Query(), viewer=EVERYTHING).hits] == [3]

    def test_the_same_version_again_replaces(self, index: SearchIndex):
        index.put([a_document(1, pages=("旧文",))])
        index.put([a_document(1, pages=("新文",))])
        assert (found(index, "新文"), found(index, "旧文")) == ({1}, set())

    def test_what_is_removed_is_gone_and_unknown_ids_are_no_error(self, index: SearchIndex):
        index.put([a_document(1), a_document(2)])
        index.remove([RecordId(UUID(int=1)), RecordId(UUID(int=77))])
        assert found(index) == {2}
        assert dict(index.versions()) == {UUID(int=2): 1}

    def test_versions_come_in_order_of_record(self, index: SearchIndex):
        idents = [UUID(int=number << shift) for number in (3, 1, 2) for shift in (0, 64, 126)]
        index.put([a_document(ident) for ident in idents])
        assert [record for record, _ in index.versions()] == sorted(set(idents))

    def test_putting_and_removing_nothing_is_no_error(self, index: SearchIndex):
        index.put([])
        index.remove([])
        assert found(index) == set()
        assert list(index.versions()) == []

    def test_the_status_tells_engine_version_documents_and_bytes(self, index: SearchIndex):
        index.put([a_document(1), a_document(2)])
        status = index.status()
        assert status["documents"] == 2
        assert {"engine", "version", "documents", "bytes"} <= set(status)

    def test_a_record_id_above_half_of_the_range_is_kept_whole(self, index: SearchIndex):
        record = UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")
        index.put([a_document(record)])
        assert found(index) == {record.int}


def fail_halfway(index: SearchIndex) -> None:
    with index.rebuild() as fresh:
        fresh.put([a_document(2)])
        raise LookupError


class TestRebuilding:
    def test_the_old_index_answers_until_the_new_one_is_whole(self, index: SearchIndex):
        index.put([a_document(1), a_document(2)])
        with index.rebuild() as fresh:
            assert list(fresh.versions()) == []
            fresh.put([a_document(2), a_document(3)])
            assert found(index) == {1, 2}
        assert found(index) == {2, 3}

    def test_a_rebuild_that_fails_leaves_the_old_index(self, index: SearchIndex):
        index.put([a_document(1)])
        with pytest.raises(LookupError):
            fail_halfway(index)
        assert found(index) == {1}
        with index.rebuild() as fresh:
            fresh.put([a_document(3)])
        assert found(index) == {3}

    def test_what_is_written_meanwhile_is_in_the_new_index_too(self, index: SearchIndex):
        index.put([a_document(1), a_document(2), a_document(3)])
        with index.rebuild() as fresh:
            index.put([a_document(1, version=5, pages=("新的",), names=("张三",), number_hashes=("ab" * 32,))])
            index.remove([RecordId(UUID(int=2))])
            fresh.put([a_document(1, version=4), a_document(2), a_document(3)])
            index.put([a_document(3, version=1), a_document(4)])
        assert dict(index.versions()) == {UUID(int=1): 5, UUID(int=3): 1, UUID(int=4): 1}
        assert found(index, "新的") == found(index, "张三") == {1}

    def test_two_rebuilds_at_once_are_refused(self, index: SearchIndex):
        with index.rebuild(), pytest.raises(Unavailable), index.rebuild():
            pytest.fail("a second rebuild began")


LETTERS = "医保张三李四〇々㐀𠮷\ue123豈aBé1２9٣-·,./ 、\n\t。㈱①x"
texts = st.text(alphabet=LETTERS, max_size=24)


class TestAgainstAScan:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data(), parts=st.lists(texts, min_size=1, max_size=8))
    def test_hits_are_those_of_a_scan_of_all_texts(self, index: SearchIndex, data: st.DataObject, parts: list[str]):
        index.remove([RecordId(record) for record, _ in list(index.versions())])
        index.put([a_document(n, title="", code="", pages=(text,)) for n, text in enumerate(parts)])
        for _ in range(6):
            source = data.draw(st.sampled_from(parts))
            start = data.draw(st.integers(0, len(source)))
            question = data.draw(st.one_of(st.just(source[start : start + 8]), texts.map(lambda t: t[:6])))
            scan = {
                n
                for n, text in enumerate(parts)
                if run_texts(question) and all(contains(text, run) for run in run_texts(question))
            }
            assert found(index, question) == scan, question
