"""Who looks at jobs reads in words why one is not done, with the code beside them."""

import datetime as dt

import pytest
from houses import a_batch, receive, samples
from site_browser import a_browser

from archive_app.core.vocabulary import Lane
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.web.job_words import why_not_done
from archive_app.wiring import Archive

LEASE = dt.timedelta(minutes=1)


def test_a_job_that_was_given_up_says_why_in_the_readers_words(archive: Archive):
    receive(archive, a_batch(archive), *samples("0001"))
    (job,) = archive.queue.claim("a", lanes=(Lane.LIGHT,), lease=LEASE)
    archive.queue.bury("a", job, reason="store-full (free=12)")
    with a_browser(archive, "system") as browser:
        shown = browser.get("/jobs").text
    assert "存储已满，请联系系统管理员。 <code" in " ".join(shown.split())
    assert "store-full (free=12)</code>" in shown


def test_a_job_whose_workers_died_is_told_without_the_logs_own_sentence(archive: Archive):
    receive(archive, a_batch(archive), *samples("0001"))
    for _ in range(MAX_ATTEMPTS + 1):
        archive.queue.claim("a", lanes=(Lane.LIGHT,), lease=-LEASE)  # it never says how it ended
    with a_browser(archive, "system") as browser:
        shown = browser.get("/jobs").text
    assert "处理进程多次意外中止" in shown
    assert "died again and again" not in shown


@pytest.mark.parametrize(
    ("reason", "words", "kept"),
    [
        (None, "", None),
        ("backup-running", "A backup, prune or move is under way: it waits.", "backup-running"),
        ("ZeroDivisionError", "The program failed. Tell the system administrator.", "ZeroDivisionError"),
    ],
)
def test_each_reason_has_words(reason: str | None, words: str, kept: str | None):
    assert why_not_done(reason, "en") == (words, kept)
