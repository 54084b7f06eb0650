"""Why a job is not done yet, or was given up (任务原因), in words for people; its code stays beside for operators."""

from collections.abc import Mapping

from archive_app.web.words import ERRORS, Words, pick

_WORKER_DIED = "its worker died again and again"
_REASONS: Mapping[str, Words] = {
    _WORKER_DIED: (
        "处理进程多次意外中止，已放弃。请查看运行日志；原件完好，可重试。",
        "The process that did it died again and again. See the log; the original is safe, and it can be tried again.",
    ),
    "backup-running": (
        "另一次备份、清理或迁移正在进行，结束后继续。",
        "A backup, prune or move is under way: it waits.",
    ),
    "backup-key-needed": ("缺少备份密钥，请联系系统管理员。", "The backup's key is missing. Set it and try again."),
    "backup-key-wrong": ("备份密钥不符，请联系系统管理员。", "The backup's key is another one. Set the right one."),
    "backup-place-failed": ("备份位置出错，请检查后重试。", "The place of backups failed. Look at it and try again."),
    "backup-place-lost": (
        "备份位置已空或未挂载，请检查后重试。",
        "The place of backups is empty or not mounted. Look at it and try again.",
    ),
    "index-unreachable": ("检索服务器无响应，恢复后自动继续。", "The search server does not answer: it waits for it."),
    "index-busy": ("检索服务器繁忙，稍后自动重试。", "The search server is busy: it is tried again."),
    "index-failed": ("检索索引出错，稍后自动重试。", "The index failed: it is tried again."),
    "index-not-prepared": (
        "检索索引尚未建立，请联系系统管理员。",
        "There is no index yet: archive index prepare makes it.",
    ),
    "child-died": (
        "解析文件的进程意外中止。原件完好，可重试。",
        "What opened the file died. The original is safe: try again.",
    ),
    "ocr-failed": (
        "识读失败。原件完好，可重试或退回重扫。",
        "Reading failed. The original is safe: try again, or scan anew.",
    ),
    "ocr-model-missing": (
        "缺少识读模型，请联系系统管理员。",
        "A model of the engine is missing. Install it and try again.",
    ),
    "MemoryError": ("内存不足。请稍后重试，或加大内存。", "There was not enough memory. Try again later, or add some."),
}


def why_not_done(reason: str | None, language: str) -> tuple[str, str | None]:
    """The sentence for people, and the reason as it was kept where the sentence does not say it."""
    if not reason:
        return "", None
    code = reason.partition(" (")[0]
    words = _REASONS.get(code) or ERRORS.get(code)
    if words is None:
        words = ("程序出错，请联系系统管理员。", "The program failed. Tell the system administrator.")
    return pick(words, language), None if code == _WORKER_DIED else reason
