"""Looking records up in the database while the index is away: by number, archival number and name, matched whole.

It answers what a person at the counter asks most, and nothing that needs the text of a page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.archival_number import ArchivalNumber
from archive_app.core.errors import InvalidInput
from archive_app.core.model import Fonds, Identifier, PartyLink, Record
from archive_app.core.numbers import compact
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId
from search import personal_numbers
from search.personal_numbers import HashNumber
from search.projection import SEARCHABLE

_QUOTES = "\"“”„＂「」"
_DOTS = str.maketrans(dict.fromkeys("•‧・∙⋅", "·"))
