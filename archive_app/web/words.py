"""Words for people: labels of every code in both languages, and the texts of errors.

Rule tables bring their own labels; what the code itself enumerates is labelled here, all of it: a test holds that.
"""

from collections.abc import Mapping
from typing import Any

from archive_app.core.errors import InvalidInput
from archive_app.core.reference import ReferenceTables, Table
from archive_app.web import health_words

Words = tuple[str, str]  # Chinese, English

LABELS: Mapping[str, Mapping[str, Words]] = {
    "record-state": {
        "captured": ("已收", "Captured"),
        "read": ("已识读", "Read"),
        "review": ("待审核", "In review"),
        "described": ("已著录", "Described"),
        "filed": ("已归档", "Filed"),
        "withdrawn": ("已撤回", "Withdrawn"),
        "destroyed": ("已销毁", "Destroyed"),
    },
    "outcome": {
        "received": ("待检查", "Waiting"),
        "accepted": ("入库", "Accepted"),
        "duplicate": ("重复", "Duplicate"),
        "refused": ("退回", "Refused"),
    },
    "batch-state": {"open": ("进行中", "Open"), "signed-off": ("已结清", "Signed off")},
    "page-state": {"waiting": ("待识读", "Waiting"), "read": ("已识读", "Read"), "failed": ("识读失败", "Failed")},
    "field-state": {
        "read": ("识读", "Read"),
        "repaired": ("修正", "Repaired"),
        "doubtful": ("存疑", "Doubtful"),
        "confirmed": ("已确认", "Confirmed"),
    },
    "component": {
        "master": ("原件", "Master"),
        "view": ("浏览件", "Page view"),
        "rendition": ("转换件", "Viewing copy"),
        "proposed": ("待审件", "Proposed pages"),
    },
    "party-role": {
        "subject": ("本人", "Subject"),
        "roster": ("名册人员", "On the roster"),
        "agent": ("代办人", "Agent"),
        "employer": ("单位", "Employer"),
        "hospital": ("医疗机构", "Hospital"),
        "transfer-hospital": ("转入医院", "Receiving hospital"),
        "pharmacy": ("药店", "Pharmacy"),
        "legal-representative": ("法定代表人", "Legal representative"),
    },
    "job-state": {
        "queued": ("排队", "Queued"),
        "leased": ("进行中", "Running"),
        "done": ("完成", "Done"),
        "buried": ("已放弃", "Given up"),
    },
    "job-lane": {
        "light": ("检查与著录", "Examine and describe"),
        "ocr": ("识读页面", "Read pages"),
        "index": ("更新检索", "Refresh the index"),
    },
    "job": {
        "backup.run": ("备份", "Back everything up"),
        "intake.examine": ("检查来件", "Examine a file"),
        "intake.release": ("释放来件", "Release a file"),
        "job.sweep": ("清理旧任务", "Clear away old jobs"),
        "extent.sum": ("统计馆藏", "Sum up the holdings"),
        "ocr.forget": ("清除识读缓存", "Forget texts that were read"),
        "page.read": ("识读页面", "Read a page"),
        "record.describe": ("著录", "Describe a record"),
        "search.refresh": ("更新检索", "Refresh the index"),
        "store.protect": ("锁定原件", "Lock what was filed"),
        "store.release": ("释放旧件", "Release replaced bytes"),
        "store.renew-locks": ("续锁原件", "Lock originals again"),
        "store.self-test": ("存储自检", "Try whether the store is write-once"),
    },
    "facet": {
        "class": ("类目", "Class"),
        "type": ("文件类型", "Type"),
        "year": ("年度", "Year"),
        "fonds": ("全宗", "Fonds"),
        "state": ("状态", "State"),
        "provider": ("医药机构", "Provider"),
        "person": ("人员", "Person"),
    },
    "correction-state": {
        "proposed": ("待审批", "Proposed"),
        "approved": ("已批准", "Approved"),
        "refused": ("已驳回", "Refused"),
        "withdrawn": ("已撤回", "Withdrawn"),
    },
    "action": {
        "record:read": ("查阅著录", "read its description"),
        "value:unmask": ("查看未遮盖的个人信息", "see personal values in clear"),
        "record:review": ("审核、修改著录（归档前）", "review and change it, before filing"),
        "record:file": ("归档", "file it"),
        "record:correct": ("提出更正（归档后）", "propose corrections, after filing"),
        "correction:approve": ("审批他人提出的更正", "decide on corrections that others propose"),
    },
    "difference": {
        "waiting": ("有文件待检查", "files are waiting"),
        "files": ("文件数与申报不符", "files differ from what was declared"),
        "pages": ("页数与申报不符", "pages differ from what was declared"),
        "sides": ("面数与申报不符", "sides differ from what was declared"),
        "sheets": ("张数与申报不符", "sheets differ from what was declared"),
    },
    "retention-outcome": {
        "appraise-destroy": ("期满鉴定", "Appraise at the end"),
        "keep": ("永久保存", "Keep"),
        "transfer": ("移交档案馆", "Transfer"),
    },
    "event": {
        "record:captured": ("收入", "Captured"),
        "record:described": ("著录", "Described"),
        "record:arranged": ("整理页面", "Pages arranged"),
        "record:corrected": ("更正", "Corrected"),
        "record:confirmed": ("确认", "Confirmed"),
        "record:filed": ("归档", "Filed"),
        "record:viewed": ("查看", "Viewed"),
        "record:previewed": ("预览", "Previewed"),
        "record:listed": ("列出", "Listed"),
        "retention:due-listed": ("列出到期件", "Listed what is due"),
        "record:withdrawn": ("撤回", "Withdrawn"),
        "record:sent-to-rescan": ("退回重扫", "Sent to re-scan"),
        "record:sent-to-review": ("退回复核", "Sent back for review"),
        "page:read": ("识读页面", "Page read"),
        "page:viewed": ("查看页面图像", "Page image viewed"),
        "component:opened": ("打开组件", "Component opened"),
        "search:asked": ("检索", "Searched"),
        "person:searched": ("查找人员", "Person searched"),
        "person:viewed": ("查看人员", "Person viewed"),
        "session:opened": ("登录", "Signed in"),
        "session:closed": ("退出", "Signed out"),
        "session:refused": ("登录被拒", "Sign-in refused"),
        "audit:read": ("查看日志", "Audit log read"),
        "account:activated": ("账号启用", "Account activated"),
        "account:activation-refused": ("账号启用被拒", "Activation refused"),
        "account:added": ("新建账号", "Account opened"),
        "account:disabled": ("停用账号", "Account closed"),
        "account:granted": ("授权", "Granted"),
        "account:grant-refused": ("授权被拒", "Grant refused"),
        "account:password-changed": ("更改口令", "Password changed"),
        "account:password-refused": ("更改口令被拒", "Password change refused"),
        "token:added": ("发放令牌", "Token issued"),
        "fonds:added": ("新建全宗", "Fonds added"),
        "job:retried": ("任务重试", "Job retried"),
        "batch:opened": ("开批次", "Batch opened"),
        "batch:filed": ("整批归档", "Batch filed"),
        "batch:signed-off": ("批次结清", "Batch signed off"),
        "intake:received": ("收到来件", "File received"),
        "intake:accepted": ("来件入库", "File accepted"),
        "intake:refused": ("来件退回", "File refused"),
        "intake:discarded": ("销毁退件", "Refused file discarded"),
        "intake:released": ("释放来件", "File released"),
        "intake:examined-again": ("重新检查来件", "File examined again"),
        "intake:duplicate": ("来件重复", "Duplicate file"),
        "record:opened-for-review": ("打开审核", "Opened for review"),
        "rules:loaded": ("装入规则表", "Rule tables loaded"),
        "page:refused": ("换页被退回", "New page refused"),
        "correction:proposed": ("提出更正", "Correction proposed"),
        "correction:approved": ("批准更正", "Correction approved"),
        "correction:refused": ("驳回更正", "Correction refused"),
        "correction:withdrawn": ("撤回更正", "Correction withdrawn"),
        "correction:viewed": ("查看更正", "Correction viewed"),
        "correction:listed": ("列出更正", "Corrections listed"),
    },
    "event-end": {
        "denied": ("越权被拒", "Denied"),
        "missed": ("查无此项", "Nothing there"),
        "changed-set": ("成批更改", "Changed together"),
    },
    "actor": {
        "archive:intake": ("收件程序", "Intake"),
        "archive:reading": ("识读程序", "Reading"),
        "archive:describing": ("著录程序", "Describing"),
    },
    "part": health_words.PARTS,
    "part-state": health_words.STATES,
    "fact": health_words.FACTS,
    "fact-value": health_words.VALUES,
    "advice": health_words.ADVICE,
    "review": {
        "type-unknown": ("文件类型未能确定", "The type is not certain"),
        "class-unknown": ("类目未能确定", "The class is not certain"),
        "date-unknown": ("未见形成日期", "No date of formation was found"),
        "no-text": ("页面上没有识读到文字", "No text was read on it"),
        "state-secret-mark": ("标有国家秘密密级，不得入库", "Marked as a state secret: it must not be kept here"),
        "missing": ("缺少", "Missing"),
        "doubtful": ("存疑", "Doubtful"),
        "sent-back": ("退回复核", "Sent back for review"),
        "page-failed": ("有页面识读失败", "A page could not be read"),
        "page-awaited": ("有页面已移出，等待重扫", "A page was taken out and awaits its new scan"),
        "name-differs": ("姓名与已知人员不一致", "The name differs from the known person's"),
        "possible-stack": ("可能含有多份文件", "This may be several papers"),
        "several-persons": ("出现多名当事人", "Several persons stand on it"),
        "person-missing": ("未见当事人", "No person was found"),
    },
}

ERRORS: Mapping[str, Words] = {
    "not-found": ("没有找到，或不在您的查阅范围内。", "Nothing there, or nothing within your scope."),
    "forbidden": ("您的岗位不包含此操作。", "Your roles do not include this."),
    "not-signed-in": ("请先登录。", "Sign in first."),
    "sign-in-failed": (
        "账号、口令或动态码不正确。连续失败 5 次，账号锁定 15 分钟。",
        "Login, password or one-time code is wrong. Five failures lock an account for 15 minutes.",
    ),
    "account-locked": ("失败次数过多，账号暂时锁定，请 15 分钟后再试。", "Too many failures: locked for 15 minutes."),
    "token-invalid": ("令牌无效或已过期。", "The token is unknown, revoked or expired."),
    "form-expired": ("页面已过期，请刷新后再提交。", "The form expired. Reload the page and send it again."),
    "invalid-input": ("填写的内容有误。", "Something that was typed cannot be used."),
    "conflict": ("当前状态不允许此操作。", "The present state does not allow this."),
    "constraint": ("与已有数据冲突，请刷新后再试。", "It collides with what is there. Reload and try again."),
    "stale-version": ("他人刚刚修改过，请刷新后核对。", "Somebody changed it meanwhile. Reload and look again."),
    "illegal-transition": ("当前状态不允许此操作。", "The present state does not allow this."),
    "duplicate-code": ("代码或账号已被使用。", "That code or login is taken."),
    "roles-exclude": ("这些岗位不得由同一人兼任。", "One person may not hold these roles together."),
    "own-grant": ("不得为本人授权。", "Nobody grants to the own account."),
    "filed": ("已归档，不能直接修改；请提出更正。", "It is filed: propose a correction instead."),
    "not-filed": ("尚未归档，请在审核中直接修改。", "It is not filed yet: change it in review."),
    "number-would-change": (
        "更正会改变档号（类目、类型、年度）。请把原件重新收件，按正确类目另行归档，并在本件题名中注明新档号；本件的档号不变。",
        "The archival number would change. Take the paper in again, file it anew, name the new number in this title.",
    ),
    "retention-would-change": (
        "更正会改变保管期限。期限只能由鉴定决定延长；如类目有误，请把原件重新收件并另行归档。",
        "The term would change: appraisal extends terms; for a wrong class take the paper in again and file it anew.",
    ),
    "correction-waiting": ("该件已有一项更正待审批。", "A correction of this record is waiting already."),
    "correction-decided": ("该更正已经审批。", "That correction is decided already."),
    "nothing-to-correct": ("没有要更正的内容。", "Nothing of it would change."),
    "only-page": (
        "这是唯一的一页，不能移出；请整件退回重扫。",
        "It is the only page: send the whole record to be scanned again.",
    ),
    "not-ready-to-file": (
        "类型、类目或形成日期未齐，不能归档。",
        "Type, class or date is missing: it cannot be filed.",
    ),
    "not-read-yet": ("尚未识读完毕。", "It is not read yet."),
    "batch-signed-off": ("批次已结清。", "The batch is signed off."),
    "batch-still-working": ("批次仍在处理。", "The batch is still being worked on."),
    "not-in-quarantine": ("该来件不在隔离区。", "That file is not in quarantine."),
    "second-person-needed": ("须由另一人办理。", "Another person has to do this."),
    "under-hold": ("处于冻结，不能处置。", "A hold forbids it."),
    "busy": ("请求过多，请稍后再试。", "Too many attempts. Try again later."),
    "unavailable": ("某个部件暂不可用，请稍后再试。", "A part does not answer. Try again later."),
    "broker-unreachable": (
        "消息服务器无响应，任务保留，恢复后继续。",
        "The broker does not answer. Jobs are kept and go on once it does.",
    ),
    "broker-refused": (
        "消息服务器拒绝了本系统，任务保留；请联系系统管理员。",
        "The broker refuses the archive. Jobs are kept. Tell the system administrator.",
    ),
    "database-down": (
        "数据库没有响应，未保存的内容请稍后重新提交。",
        "The database does not answer. What was not saved must be sent again later.",
    ),
    "database-not-granted": (
        "数据库角色没有权限，请联系系统管理员。",
        "The database's role was given nothing. Tell the system administrator.",
    ),
    "database-busy": ("数据库繁忙，请稍后再试。", "The database has too much to do. Try again shortly."),
    "full-text-unavailable": (
        "全文检索暂不可用。完整的证件号码、文号、档号和姓名仍可查询；资料照常归档，恢复后自动补入索引。",
        "Full-text search does not answer now. Whole numbers and names are looked up all the same; filing goes on.",
    ),
    "search-interrupted": (
        "检索服务在翻页时中断。稍后可接着翻页；或从头检索，完整的号码和姓名仍可查询。",
        "The search went away between two pages. Ask for this page again later; from the start, numbers are looked up.",
    ),
    "store-full": ("存储已满，请联系系统管理员。", "The store is full. Tell the system administrator."),
    "store-unreachable": ("存储服务器没有应答，请稍后再试。", "The store's server does not answer. Try again later."),
    "store-refused": (
        "存储服务器拒绝了本系统的请求，请联系系统管理员。",
        "The store's server refused the archive. Tell the system administrator.",
    ),
    "store-bucket-missing": (
        "存储桶不存在，请联系系统管理员。",
        "The store's bucket does not exist. Tell the system administrator.",
    ),
    "store-failed": ("存储出错，请稍后再试。", "The store failed. Try again later."),
    "content-missing": ("文件内容缺失，已记录，请联系管理员。", "The bytes are missing. This was recorded."),
    "fixity-mismatch": ("文件校验不符，已记录，请联系管理员。", "The bytes were altered. This was recorded."),
    "restore-not-finished": (
        "恢复尚未完成，校验通过前不开放登录。",
        "A restore has not ended: nobody signs in before all of it was compared.",
    ),
    "register-failed": (
        "销毁登记簿无法写入，请稍后再试。",
        "The register of destructions cannot be written. Try again.",
    ),
    "register-not-append-only": (
        "销毁登记簿所在的服务器允许覆盖，不能使用。请联系系统管理员。",
        "The register's server lets what stands be put over: it cannot be kept there. Tell the system administrator.",
    ),
    "too-large": ("文件过大。", "The file is too large."),
    "bad-request": ("请求无法理解。", "The request cannot be understood."),
    "internal": (
        "系统内部错误，已记录。请把编号告诉管理员。",
        "A defect of ours; it was recorded. Tell us the number.",
    ),
}

FIELD_FAULTS: Mapping[str, Words] = {
    "no-such-page": ("没有这一页", "no such page"),
    "missing": ("必填", "required"),
    "unknown": ("不认识的值", "unknown value"),
    "unknown-field": ("没有这个著录项", "no such field"),
    "not-a-date": ("不是日期", "not a date"),
    "not-a-day": ("不是完整日期", "not a whole date"),
    "not-an-amount": ("不是金额", "not an amount"),
    "not-a-citizen-number": ("身份证号不成立", "not a sound citizen number"),
    "too-long": ("太长", "too long"),
    "too-weak": ("至少 10 位，含三类字符", "at least 10 characters of three kinds"),
    "holds-login": ("不得包含账号", "must not contain the login"),
    "used-before": ("近五次用过", "used among the last five"),
    "too-far": ("期限过长", "too far ahead"),
    "in-the-past": ("日期已过", "in the past"),
    "form": ("格式不对", "wrong form"),
    "negative": ("不能为负", "must not be negative"),
    "nothing-to-search": ("没有可检索的文字", "nothing to search for"),
    "too-many-words": ("词太多", "too many words"),
    "not-a-cursor": ("续页标记无效，请重新检索", "no place in a list: search again from the start"),
    "of-another-question": (
        "续页标记属于另一次检索，请重新检索",
        "a place in the list of another question: search again from the start",
    ),
    "takes-no-records": ("该类目不收文件", "takes no records"),
}


def pick(words: Words, language: str) -> str:
    """The words in that language: Chinese, or else English."""
    return words[0] if language.startswith("zh") else words[1]


def error_text(code: str, parameters: Mapping[str, object], language: str = "en") -> str:
    """What failed, for people. A code without a text of its own shows the general one with the code."""
    del parameters
    found = ERRORS.get(code)
    if found is None:
        return pick((f"操作未成功（{code}）", f"It did not work ({code})"), language)
    return pick(found, language)


def fault_text(reason: str, language: str) -> str:
    """Why a typed value cannot be used."""
    found = FIELD_FAULTS.get(str(reason))
    return pick(found, language) if found else str(reason)


def label(tables: ReferenceTables, kind: str, code: object, language: str) -> str:
    """The label of a code: from the rule tables, from `LABELS`, or the code itself where an agency added one."""
    text = "" if code is None else str(code)
    from_tables: dict[str, Table[Any]] = {
        "class": tables.classes,
        "type": tables.document_types,
        "field": tables.fields,
        "role": tables.roles,
        "level": tables.levels,
        "purpose": tables.purposes,
        "rule": tables.retention_rules,
        "lane": tables.lanes,
    }
    table = from_tables.get(kind)
    if table is not None:
        key = text if text in table else text.partition(":")[0]
        if key in table:
            entry = table.of(key)
            return str(entry.zh if language.startswith("zh") else entry.en)
        return text
    head, _, rest = text.partition(":")
    words = LABELS.get(kind, {}).get(text) or LABELS.get(kind, {}).get(head)
    if words is None and kind == "event":  # one action on whatever kind of thing
        words, rest = LABELS["event-end"].get(text.rpartition(":")[2]), ""
    if words is None:
        return text
    if not rest or text in LABELS[kind]:
        return pick(words, language)
    key, _, row = rest.partition(":")
    named = pick(("名册", "roster"), language) if key == "roster" else label(tables, "field", key, language)
    place = pick((f"第 {row} 行", f"row {row}"), language) if row else ""
    return f"{pick(words, language)} {named} {place}".strip()


_BETWEEN = {"items": ("、", ", "), "clauses": ("；", "; ")}


def between(what: str, language: str) -> str:
    """What stands between the `items` or the `clauses` of a list in a sentence."""
    return pick(_BETWEEN[what], language)


def faults_text(fault: InvalidInput, language: str) -> str:
    """Why each of the values was not taken."""
    return between("clauses", language).join(fault_text(str(one), language) for one in fault.parameters.values())
