"""The words of the status page and of `archive doctor`: parts, facts, and what to do."""

from collections.abc import Mapping

from archive_app.health.part import Advice

Words = tuple[str, str]  # Chinese, English

PARTS: Mapping[str, Words] = {
    "database": ("数据库", "Database"),
    "store": ("对象存储", "Object store"),
    "index": ("检索库", "Search index"),
    "index-whole": ("检索库完整", "Index is whole"),
    "broker": ("消息队列", "Broker"),
    "workers": ("处理进程", "Workers"),
    "jobs": ("任务", "Jobs"),
    "audit": ("审计日志", "Audit log"),
    "backup": ("备份", "Backup"),
    "clock": ("时钟", "Clock"),
    "disk": ("磁盘", "Disk"),
    "certificates": ("证书", "Certificates"),
    "keys": ("密钥", "Keys"),
    "backup-reader": ("备份角色", "Backup's role"),
    "shared-memory": ("共享内存", "Shared memory"),
    "readers": ("识读引擎", "Readers"),
    "converter": ("格式转换", "Converter"),
    "door": ("入口", "Door"),
}

STATES: Mapping[str, Words] = {
    "ok": ("正常", "Works"),
    "off": ("未启用", "Not set up"),
    "degraded": ("需留意", "Look at it"),
    "down": ("故障", "Down"),
}

FACTS: Mapping[str, Words] = {
    "engine": ("引擎", "Engine"),
    "revision": ("结构版本", "Schema"),
    "write-once": ("一次写入", "Write-once"),
    "locks-ending": ("锁定不足100天", "Locked for less than 100 days"),
    **{f"got-through-{number}": ("未能阻止", "Got through") for number in range(1, 6)},
    "row-security": ("行级权限", "Row security"),
    "kind": ("类型", "Kind"),
    "version": ("版本", "Version"),
    "format": ("索引格式", "Format"),
    "documents": ("已索引", "Indexed"),
    "searchable": ("应索引", "To be found"),
    "segments": ("段", "Segments"),
    "bytes": ("大小", "Size"),
    "rebuilding": ("重建中", "Rebuilding"),
    "lag-seconds": ("滞后", "Lag"),
    "processes": ("进程", "Processes"),
    "waiting": ("等待", "Waiting"),
    "running": ("进行中", "Running"),
    "given-up": ("已放弃", "Given up"),
    "oldest-seconds": ("最久等待", "Longest wait"),
    "leaves": ("条目", "Leaves"),
    "newest-seconds": ("最新一条", "Newest"),
    "backup-seconds": ("最近备份", "Last backup"),
    "snapshot": ("快照", "Snapshot"),
    "daily-at": ("每日", "Daily at"),
    "zone": ("时区", "Zone"),
    "apart-seconds": ("与数据库相差", "Apart from the database"),
    "back-seconds": ("倒退", "Gone back"),
    "home-free": ("主目录剩余", "Free at home"),
    "store-free": ("存储剩余", "Free in the store"),
    "free": ("剩余", "Free"),
    "store-ca": ("存储 CA 到期", "Store CA ends"),
    "index-ca": ("检索 CA 到期", "Index CA ends"),
    "broker-ca": ("消息队列 CA 到期", "Broker CA ends"),
    "store-server": ("存储证书到期", "Store's certificate ends"),
    "index-server": ("检索证书到期", "Index's certificate ends"),
    "broker-server": ("消息队列证书到期", "Broker's certificate ends"),
    "backup-server": ("备份存储证书到期", "Backup place's certificate ends"),
    "register-server": ("销毁登记簿证书到期", "Register's certificate ends"),
    "messages": ("待取消息", "Messages waiting"),
    "missing": ("缺少", "Missing"),
    "readable": ("他人可读", "Readable by others"),
    "key": ("签名密钥", "Signing key"),
    "tesseract": ("Tesseract 中文", "Tesseract, Chinese"),
    "secure-cookies": ("安全 Cookie", "Secure cookies"),
    "proxies": ("代理", "Proxies"),
    "metrics": ("指标", "Metrics"),
    "why": ("原因", "Why"),
    "fault": ("故障", "Fault"),
}

VALUES: Mapping[str, Words] = {
    "S3Store": ("S3对象存储", "S3"),
    "not-tested": ("尚未自检", "not tested yet"),
    "held": ("已验证", "proven"),
    "not-held": ("不是一次写入存储", "NOT write-once"),
    "folder-honest": (
        "只防本程序改写；能写这块磁盘的人仍可改动",
        "only against this program: who may write to the disk may change it",
    ),
    "shorten-lock": ("缩短锁定期", "a lock was shortened"),
    "lower-mode": ("降低锁定模式", "a lock was weakened"),
    "suspend-versioning": ("停用版本控制", "versioning was turned off"),
    "overwrite": ("覆盖", "what was kept was overwritten"),
    "delete-version": ("删除版本", "what was locked was deleted"),
    "True": ("是", "yes"),
    "False": ("否", "no"),
    "FolderStore": ("文件夹", "Folder"),
    "local": ("本机轮询", "Local, no broker"),
    "amqp": ("RabbitMQ", "RabbitMQ"),
    "amqps": ("RabbitMQ（TLS）", "RabbitMQ, TLS"),
    "sqlite": ("SQLite", "SQLite"),
    "postgresql": ("PostgreSQL", "PostgreSQL"),
    "tantivy": ("Tantivy", "Tantivy"),
    "elasticsearch": ("Elasticsearch", "Elasticsearch"),
    "unreadable": ("无法读取", "unreadable"),
}

ADVICE: Mapping[str, Words] = {
    Advice.ASK_SLOW: (
        "没有及时应答。查看该服务器的负载、网络和日志。",
        "It did not answer in time. Look at the load, the network and the log of that server.",
    ),
    Advice.ASK_FAILED: (
        "无法检查。按事件时间查看本程序的日志。",
        "It could not be examined. The program's log says more.",
    ),
    Advice.DATABASE_EMPTY: (
        "数据库是空的。运行 archive init，或恢复备份。",
        "The database is empty. Run archive init, or restore a backup.",
    ),
    Advice.DATABASE_NOT_GRANTED: (
        "应用角色没有任何权限。同时设置应用角色和表所有者的地址，运行 archive db upgrade 即授予。",
        "The role was given nothing. With its address and the owner's set, run: archive db upgrade",
    ),
    Advice.DATABASE_BEHIND: (
        "数据库结构旧于程序。停止服务，运行 archive db upgrade。",
        "The schema is older than the program. Stop the services and run: archive db upgrade",
    ),
    Advice.DATABASE_AHEAD: (
        "数据库结构新于程序。安装更新的程序版本。",
        "The schema is newer than the program. Install the newer program.",
    ),
    Advice.ROW_SECURITY: (
        "数据库自身未隐藏行：ARCHIVE_DATABASE_URL 应使用不拥有任何表的应用角色。",
        "The database hides no rows by itself: ARCHIVE_DATABASE_URL should name the role that owns no table.",
    ),
    Advice.STORE_DOWN: (
        "存储没有应答。收件会等待，不会丢失。检查服务器、地址和密钥，然后运行 archive store check。",
        "The store does not answer. Intake waits, nothing is lost. Look at server and keys, then: archive store check",
    ),
    Advice.NOT_WRITE_ONCE: (
        "存储没有挡住改写或删除。按 archive store prepare 的提示处理，再运行 archive store self-test。",
        "What was tried against the store got through. Follow archive store prepare, then: archive store self-test",
    ),
    Advice.LOCKS_ENDING: (
        "有原件锁定期不足100天，夜间没有续锁。运行 archive store renew-locks，并查看“任务”页。",
        "Locks run out within 100 days: nobody renews them. Run: archive store renew-locks, and look at the jobs",
    ),
    Advice.INDEX_DOWN: (
        "检索没有应答。归档照常，恢复后自动补齐。检查服务器、地址和密钥。",
        "Search does not answer. Filing goes on and the index catches up by itself. Look at server, address and key.",
    ),
    Advice.INDEX_BEHIND: (
        "索引滞后：最近的变动暂时检索不到。检查处理进程和索引服务器。",
        "The index lags: the latest changes are not found yet. Look at the workers and the index server.",
    ),
    Advice.INDEX_DIFFERS: (
        "索引与数据库件数不一致。运行 archive index compare。",
        "Index and database differ in number. Run: archive index compare",
    ),
    Advice.BROKER_DOWN: (
        "消息队列没有应答。任务仍在数据库中，恢复后继续。检查 RabbitMQ。",
        "The broker does not answer. The jobs are safe in the database and go on when it is back. Look at RabbitMQ.",
    ),
    Advice.BROKER_REFUSES: (
        "消息队列拒绝登录。检查 ARCHIVE_BROKER_URL 中的用户、密码和虚拟主机。任务仍在数据库中。",
        "The broker refuses us: look at user, password and virtual host of ARCHIVE_BROKER_URL. The jobs are kept.",
    ),
    Advice.QUEUES_MISSING: (
        "消息队列中缺少本系统的队列。运行 archive relay run，或检查其服务；它会重建队列。",
        "The broker lacks our queues. Run: archive relay run, or look at its service; it makes them anew.",
    ),
    Advice.WORKERS_NONE: (
        "没有处理进程：来件不会被识读。运行 archive worker run，或检查其服务。",
        "Nobody works: what comes in is not read. Run: archive worker run, or look at its service.",
    ),
    Advice.JOBS_BURIED: (
        "有任务已放弃。在“任务”页查看原因，排除后重试。",
        "Jobs were given up. Read their reasons (archive job list --state buried), then: archive job retry --all",
    ),
    Advice.JOBS_OLD: (
        "任务等待过久。增加处理进程，或查看它们的日志。",
        "Jobs have waited for too long. Add workers, or look at their logs.",
    ),
    Advice.BACKUP_OFF: (
        "没有第二份副本：磁盘损坏即全部丢失。设置 ARCHIVE_BACKUP_URL。",
        "There is no second copy: a broken disk loses everything. Set ARCHIVE_BACKUP_URL.",
    ),
    Advice.BACKUP_LATE: (
        "26小时内没有成功的备份。运行 archive backup run。",
        "No backup ended well within 26 hours. Run: archive backup run",
    ),
    Advice.BACKUP_FAILED: (
        "最近一次备份失败，原因见右。排除后运行 archive backup run。",
        "The last backup failed, as said here. Mend it, then run: archive backup run",
    ),
    Advice.BACKUP_BESIDE: (
        "备份与档案在同一磁盘或服务器上，损坏时会一起丢失。把 ARCHIVE_BACKUP_URL 设到另一台机器。",
        "Backups lie on the archive's own disk or server and are lost with it. Set ARCHIVE_BACKUP_URL to another one.",
    ),
    Advice.READER_BLIND: (
        "备份所用的角色看不到全部数据。用所有者地址运行 archive db upgrade，并检查 deploy/postgres-roles.sql。",
        "The backup's role misses rows. Run deploy/postgres-roles.sql, then with all addresses: archive db upgrade",
    ),
    Advice.READER_WRITES: (
        "备份所用的角色可以改写数据。ARCHIVE_DATABASE_BACKUP_URL 应使用只读角色。",
        "The backup's role may write. ARCHIVE_DATABASE_BACKUP_URL should name the one of deploy/postgres-roles.sql.",
    ),
    Advice.CLOCK_BACK: (
        "时钟早于日志中最新的条目。校准时钟（NTP）；此间的时间记录不可靠。",
        "The clock is behind the newest entry of the log. Set it right (NTP); times written meanwhile are wrong.",
    ),
    Advice.CLOCK_APART: (
        "本机与数据库的时钟不一致：租约会误判。在两台机器上启用 NTP。",
        "This machine and the database disagree on the time: leases are misjudged. Run NTP on both.",
    ),
    Advice.DISK_LOW: (
        "剩余空间不足。尽快扩容，或移走其他数据。",
        "Room runs out. Enlarge the disk soon, or move other data away.",
    ),
    Advice.DISK_FULL: (
        "磁盘已满：无法收件。已收的不会丢失。立即腾出空间。",
        "The disk is full: nothing can be taken in, nothing that was is lost. Make room now.",
    ),
    Advice.CERTIFICATE_ENDS: ("证书将在 30 天内到期。尽快更换。", "A certificate ends within 30 days. Renew it."),
    Advice.CERTIFICATE_ENDED: (
        "证书已到期：连接会失败。立即更换。",
        "A certificate has ended: connections fail. Renew it now.",
    ),
    Advice.CERTIFICATE_UNREADABLE: (
        "CA 证书文件缺失或损坏。检查 ARCHIVE_STORE_CA、ARCHIVE_INDEX_CA、ARCHIVE_BROKER_CA。",
        "A CA file is missing or damaged. Look at ARCHIVE_STORE_CA, ARCHIVE_INDEX_CA and ARCHIVE_BROKER_CA.",
    ),
    Advice.KEYS_MISSING: (
        "密钥文件缺失。从备份恢复；没有它们，号码无法检索，日志无法签名。",
        "Key files are missing. Restore them from the backup: without them no number is found and no log is signed.",
    ),
    Advice.SECRETS_OPEN: (
        "其他用户可以读取密钥。运行 chmod go-rwx。",
        "Others can read secrets. Run: chmod go-rwx on these files.",
    ),
    Advice.SHARED_MEMORY_LOW: (
        "共享内存过小：大幅面的页会退回。扩大 /dev/shm（容器：shm_size）。",
        "Shared memory is small: large pages will be refused. Enlarge /dev/shm (containers: shm_size).",
    ),
    Advice.READER_MISSING: (
        "未安装 Tesseract 中文：安装 tesseract-ocr-chi-sim。",
        "Tesseract with Chinese is not installed: apt-get install tesseract-ocr tesseract-ocr-chi-sim",
    ),
    Advice.CONVERTER_MISSING: (
        "未安装 LibreOffice：Office 文件没有浏览件。",
        "LibreOffice is not installed: office files get no viewing copy. apt-get install libreoffice-nogui",
    ),
    Advice.COOKIES_OPEN: (
        "前有代理而 Cookie 未限 TLS。设置 ARCHIVE_SECURE_COOKIES=true。",
        "There is a proxy, and cookies are not kept to TLS. Set ARCHIVE_SECURE_COOKIES=true.",
    ),
}
