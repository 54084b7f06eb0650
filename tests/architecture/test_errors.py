"""The error tree is drawn as it is, and every error a person can be told has a code of its own."""

from archive_app.core import errors
from archive_app.core.errors import ArchiveError, ProgrammingFault


def tree(top: type[Exception]) -> list[type[Exception]]:
    return [top, *(each for child in top.__subclasses__() for each in tree(child))]


def test_every_error_stands_in_the_drawing():
    drawing = errors.__doc__ or ""
    assert [
        each.__name__ for top in (ArchiveError, ProgrammingFault) for each in tree(top) if each.__name__ not in drawing
    ] == []


def test_every_error_has_a_code_of_its_own():
    codes = [each.code for each in tree(ArchiveError) if issubclass(each, ArchiveError)]
    assert len(set(codes)) == len(codes) > 15


def test_errors_live_in_the_core_only():
    assert {each.__module__ for top in (ArchiveError, ProgrammingFault) for each in tree(top)} == {errors.__name__}


def test_an_error_says_its_code_and_its_facts():
    fault = errors.Refused("too-large", limit=5)
    assert (fault.code, fault.parameters, str(fault)) == ("too-large", {"limit": 5}, "too-large (limit=5)")
