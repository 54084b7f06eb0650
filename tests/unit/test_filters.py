"""How values are written on pages."""

import pytest

from archive_app.web.filters import reads_unlike


@pytest.mark.parametrize(
    ("as_read", "value", "unlike"),
    [
        ("诊断明确，建议认定。", "诊断明确,建议认定。", False),
        ("张 小明", "张小明", False),
        ("２０１７", "2017", False),
        ("2017年3月22日", "2017-03-22", True),
        ("45.055.44", "45,055.44", True),
    ],
)
def test_a_reading_that_differs_only_in_blanks_and_width_is_not_told_apart(
    as_read: str, value: str, *, unlike: bool
) -> None:
    assert reads_unlike(as_read, value) is unlike
