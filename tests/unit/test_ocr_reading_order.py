from ingest.ocr.reading_order import Extent, reading_order


def cell(left: float, top: float, width: float = 80, height: float = 20) -> Extent:
    return Extent(left, top, left + width, top + height)


def test_rows_of_a_table_are_read_cell_by_cell():
    cells = [cell(x, y) for y in (0, 40, 80) for x in (0, 100, 200)]
    shuffled = [4, 0, 8, 2, 6, 1, 5, 3, 7]
    order = reading_order([cells[i] for i in shuffled])
    assert [shuffled[i] for i in order] == list(range(9))


def test_cells_of_a_row_that_stand_a_little_apart_in_height_stay_in_their_row():
    extents = [cell(200, 6), cell(100, 0), cell(0, 4), cell(0, 30), cell(100, 27)]
    assert reading_order(extents) == [2, 1, 0, 3, 4]


def test_columns_of_prose_are_read_one_after_the_other():
    left = [cell(0, y, width=300) for y in range(0, 180, 30)]
    right = [cell(340, y, width=300) for y in range(8, 188, 30)]
    assert reading_order([*right, *left]) == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]


def test_a_title_over_columns_comes_first_and_a_footer_last():
    title, footer = cell(100, 0, width=440), cell(0, 300, width=640)
    left = [cell(0, y, width=300) for y in range(60, 240, 30)]
    right = [cell(340, y, width=300) for y in range(60, 240, 30)]
    order = reading_order([footer, *right, *left, title])
    assert order[0] == 13
    assert order[-1] == 0
    assert order[1:7] == [7, 8, 9, 10, 11, 12]


def test_short_cells_in_two_columns_are_rows_and_not_prose():
    extents = [cell(x, y, width=60) for y in range(0, 240, 30) for x in (0, 300)]
    assert reading_order(extents) == list(range(16))


def test_nothing_has_no_order():
    assert reading_order([]) == []
