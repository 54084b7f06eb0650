"""Names stand in the order of a Chinese dictionary, and in the same order on both databases."""

from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from factories import a_database

from archive_app.core.model import Employer
from archive_app.core.name_order import by_name

#: As GB/T 13418 has them: by pinyin, tone, then the next character; digits before, Latin letters after.
IN_ORDER = (
    "3号",
    "安徽",
    "白云",
    "陈浩",
    "陈红",
    "李强",
    "王芳",
    "王丽",
    "张三",
    "张伟",
    "赵立军",
    "周文远",
    "ABC公司",
)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def test_names_are_listed_by_pinyin(kind: str, tmp_path: Path) -> None:
    engine = a_database(kind, tmp_path)

    with engine.begin() as connection:
        for number, name in enumerate(reversed(IN_ORDER)):
            connection.execute(
                sa.insert(Employer.__table__).values(id=UUID(int=number), name=name)  # type: ignore[arg-type]
            )
        found = connection.execute(sa.select(Employer.name).order_by(by_name(Employer.name))).scalars().all()
    engine.dispose()
    assert tuple(found) == IN_ORDER
