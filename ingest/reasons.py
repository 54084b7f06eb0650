"""Why a file is not taken in (退回原因): what it is, why it matters and what to do next, in both languages.

The codes are those that `Refused` carries out of `ingest`. `{…}` stands for a parameter of the error, which holds
numbers, media types or names of structures, never personal data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's three short sentences."""

    what: str
    why: str
    next: str

    def __str__(self) -> str:
        return (
            f"{self.what}{self.why}{self.next}" if self.what.endswith("。") else f"{self.what} {self.why} {self.next}"
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason in Chinese and in English."""

    code: str
    zh: Wording
    en: Wording

    def message(self, language: str, parameters: Mapping[str, object] | None = None) -> str:
        """The sentences in `zh…` or else English, with every parameter filled; an absent one reads `?`."""
        wording = self.zh if language.lower().startswith("zh") else self.en
        return str(wording).format_map(_Known(parameters or {}))


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def _reason(code: str, zh: tuple[str, str, str], en: tuple[str, str, str]) -> Reason:
    return Reason(
        code,
        Wording(what=zh[0], why=zh[1], next=zh[2]),
        Wording(what=en[0], why=en[1], next=en[2]),
    )


_RESCAN_ZH = "请重新扫描或向原送交人索取完整文件后再次送交。"
_RESCAN_EN = "Scan it again, or ask for a whole copy, and hand that in."

_ALL: tuple[Reason, ...] = (
    # ------------------------------------------------ not whole
    _reason(
        "empty",
        ("文件为空。", "文件长度为 0 字节，没有任何内容。", "请检查扫描仪或复制过程，重新送交。"),
        ("The file is empty.", "It has 0 bytes.", "Check the scanner or the copy, and hand it in again."),
    ),
    _reason(
        "truncated",
        ("文件不完整。", "文件在结尾之前中断，缺少部分内容。", _RESCAN_ZH),
        ("The file is cut short.", "It ends before its own end mark, so a part is missing.", _RESCAN_EN),
    ),
    _reason(
        "damaged",
        ("文件已损坏。", "文件内部结构或校验值不正确，内容可能有误。", _RESCAN_ZH),
        ("The file is damaged.", "Its structure or check sums do not hold, so what it shows may be wrong.", _RESCAN_EN),
    ),
    _reason(
        "damaged-image",
        ("第 {page} 页的图像已损坏。", "页内图像数据不完整，看图软件会不加提示地略过。", _RESCAN_ZH),
        ("A picture on page {page} is damaged.", "Its data is not whole; viewers skip that in silence.", _RESCAN_EN),
    ),
    _reason(
        "missing-image",
        ("第 {page} 页缺少图像。", "页面引用的图像不在文件里，看图软件会不加提示地略过。", _RESCAN_ZH),
        ("A picture on page {page} is missing.", "The page names a picture that is not in the file.", _RESCAN_EN),
    ),
    _reason(
        "no-pages",
        ("文件中没有页面。", "文件可以打开，但没有可归档的内容。", "请核对是否送交了正确的文件。"),
        ("The file has no pages.", "It opens but holds nothing to keep.", "Check that it is the right file."),
    ),
    _reason(
        "loop",
        ("文件结构循环引用。", "文件的内部目录指向自身，无法确定页面。", _RESCAN_ZH),
        ("The file refers to itself in a circle.", "Its pages cannot be told.", _RESCAN_EN),
    ),
    # ------------------------------------------------ too much
    _reason(
        "too-large",
        ("文件过大。", "文件超过 {limit} 字节的上限。", "请拆分后分别送交，或请系统管理员调整上限。"),
        (
            "The file is too large.",
            "It exceeds {limit} bytes.",
            "Split it, or ask the administrator for a higher limit.",
        ),
    ),
    _reason(
        "too-many-pages",
        ("页数过多。", "文件有 {pages} 页，超过 {limit} 页的上限。", "请拆分后分别送交。"),
        ("Too many pages.", "The file has {pages}; the limit is {limit}.", "Split it and hand in the parts."),
    ),
    _reason(
        "too-many-pixels",
        ("页面像素过多。", "有一页为 {width} × {height} 像素，超过 {limit} 像素的上限。", "请降低分辨率重新扫描。"),
        (
            "A page has too many pixels.",
            "It measures {width} × {height}; the limit is {limit} pixels.",
            "Scan it at a lower resolution.",
        ),
    ),
    _reason(
        "too-slow",
        ("处理超时。", "打开一页超过 {seconds} 秒，文件可能过于复杂或被恶意构造。", "请另存为图像或重新扫描后送交。"),
        (
            "The file takes too long.",
            "One page needed more than {seconds} seconds; it may be too complex or made to do harm.",
            "Save it as pictures, or scan it, and hand that in.",
        ),
    ),
    _reason(
        "too-much-memory",
        ("占用内存过多。", "打开该文件所需内存超过上限。", "请拆分、降低分辨率或重新扫描后送交。"),
        (
            "The file needs too much memory.",
            "Opening it goes past the limit.",
            "Split it, or scan it at a lower resolution, and hand that in.",
        ),
    ),
    _reason(
        "too-much-text",
        ("文字内容过多。", "文件展开后的文字超过 {limit} 字节的上限。", "请拆分后分别送交。"),
        ("Too much text.", "Unpacked, its text exceeds {limit} bytes.", "Split it and hand in the parts."),
    ),
    _reason(
        "archive-bomb",
        ("压缩内容异常膨胀。", "解压后的大小远超正常文件，可能是压缩炸弹。", "请勿打开，请向原送交人核实来源。"),
        (
            "The file unpacks to an absurd size.",
            "That is how a decompression bomb looks.",
            "Do not open it; ask where it came from.",
        ),
    ),
    _reason(
        "crashes-reader",
        ("文件使解码程序崩溃。", "文件可能已损坏或被恶意构造。", "请勿打开，请重新扫描原件后送交。"),
        (
            "The file makes the reader crash.",
            "It is damaged or made to do harm.",
            "Do not open it; scan the paper again.",
        ),
    ),
    # ------------------------------------------------ not harmless
    _reason(
        "encrypted",
        ("文件已加密。", "没有密码无法阅读，加密文件也不能长期保存。", "请解除密码保护后再次送交。"),
        (
            "The file is encrypted.",
            "It cannot be read without a password, nor kept for the long term.",
            "Remove the protection and hand it in again.",
        ),
    ),
    _reason(
        "active-content",
        (
            "文件含有可执行内容 ({kind})。",
            "脚本或启动动作会改变显示内容或运行程序。",
            "请打印成不含脚本的 PDF 或扫描后送交。",
        ),
        (
            "The file holds active content ({kind}).",
            "Scripts and launch actions may change what is shown or run programs.",
            "Print it to a plain PDF, or scan it, and hand that in.",
        ),
    ),
    _reason(
        "macro",
        ("文件含有宏。", "宏会运行程序，不允许入库。", "请另存为不含宏的文档后送交。"),
        ("The document has macros.", "Macros run programs.", "Save it without macros and hand that in."),
    ),
    _reason(
        "xml-entities",
        ("XML 声明了实体或文档类型。", "实体可引入外部内容，或无限膨胀。", "请由出具单位的平台重新导出后送交。"),
        (
            "The XML declares entities or a document type.",
            "Entities can pull in outside content or grow without end.",
            "Export it again from the issuer's platform and hand that in.",
        ),
    ),
    _reason(
        "attachment",
        ("文件内嵌有不允许的附件。", "附件类型不是数据、版式文件或图像。", "请将附件单独送交，并删除文件内的附件。"),
        (
            "The file carries an attachment that is not allowed.",
            "It is neither data, nor a fixed-layout document, nor a picture.",
            "Hand the attachment in by itself and remove it from the file.",
        ),
    ),
    _reason(
        "external-reference",
        ("文件引用外部内容。", "内容不在文件之内，日后无法保证完整。", "请将内容嵌入文件，或另存为 PDF 后送交。"),
        (
            "The file refers to content outside of itself.",
            "What is not inside cannot be kept whole.",
            "Embed the content, or save as PDF, and hand that in.",
        ),
    ),
    _reason(
        "polyglot",
        (
            "文件同时是两种格式。",
            "文件里还藏有 {kind} 格式的内容，不同软件会看到不同内容。",
            "请重新导出或扫描后送交。",
        ),
        (
            "The file is two formats at once.",
            "It also holds {kind}, so different programs would show different things.",
            "Export or scan it again and hand that in.",
        ),
    ),
    _reason(
        "trailing-data",
        ("文件结尾之后还有多余数据。", "有 {size} 字节不属于该文件。", "请重新导出或扫描后送交。"),
        (
            "Data follows the end of the file.",
            "{size} bytes do not belong to it.",
            "Export or scan it again and hand that in.",
        ),
    ),
    _reason(
        "executable",
        ("文件是程序。", "程序不是档案，并可能有害。", "请勿打开，请核实来源。"),
        (
            "The file is a program.",
            "Programs are no records and may do harm.",
            "Do not open it; ask where it came from.",
        ),
    ),
    # ------------------------------------------------ not ours
    _reason(
        "unknown-format",
        (
            "无法识别的格式。",
            "文件内容不是可接收的格式 (以内容判断，不看扩展名)。",
            "请转换为 PDF、OFD、TIFF 或 JPEG 后送交。",
        ),
        (
            "The format is not known.",
            "By its content it is none of the accepted kinds; the name does not count.",
            "Convert it to PDF, OFD, TIFF or JPEG and hand that in.",
        ),
    ),
    _reason(
        "unsupported-variant",
        ("不支持该格式的这一变体 ({kind})。", "无法确保完整地读取内容。", "请转换为常见的 PDF、TIFF 或 JPEG 后送交。"),
        (
            "This sort of the format ({kind}) is not read.",
            "It could not be made sure that all of it is seen.",
            "Convert it to a common PDF, TIFF or JPEG and hand that in.",
        ),
    ),
    _reason(
        "animated",
        ("文件是动画或多帧图像。", "共有 {frames} 帧，无法确定哪一帧是档案。", "请将需要的画面另存为单张图像后送交。"),
        (
            "The picture is animated.",
            "It has {frames} frames, and none of them is *the* record.",
            "Save what matters as single pictures and hand those in.",
        ),
    ),
    _reason(
        "archive-file",
        ("文件是压缩包。", "压缩包里的文件需逐份登记。", "请解压后送交其中的文件。"),
        (
            "The file is an archive of files.",
            "Each of its files is registered by itself.",
            "Unpack it and hand in the files.",
        ),
    ),
    _reason(
        "legacy-office",
        ("旧版 Office 文档 (DOC、XLS、PPT)。", "该格式可含宏且无法可靠检查。", "请另存为 DOCX、XLSX 或 PDF 后送交。"),
        (
            "It is an old Office document (DOC, XLS, PPT).",
            "That format can hide macros and cannot be checked reliably.",
            "Save it as DOCX, XLSX or PDF and hand that in.",
        ),
    ),
    _reason(
        "not-a-file",
        ("不是普通文件。", "路径是文件夹、链接、管道或设备。", "请送交文件本身。"),
        ("It is not a plain file.", "The path is a folder, link, pipe or device.", "Hand in the file itself."),
    ),
    _reason(
        "unreadable",
        ("无法读取文件。", "系统拒绝访问或读取出错。", "请检查权限和存储介质后重试。"),
        (
            "The file cannot be read.",
            "The system denies access or reports an error.",
            "Check permissions and the medium, then try again.",
        ),
    ),
    _reason(
        "sent-to-rescan",
        ("已退回重扫。", "审核人员认为扫描件不合格。", "请重新扫描该份文件后再次送交。"),
        (
            "Sent back to be scanned again.",
            "The reviewer found the scan not good enough.",
            "Scan it again, hand it in.",
        ),
    ),
    # ------------------------------------------------ what cannot be done with a sound file
    _reason(
        "no-such-page",
        ("没有第 {page} 页。", "文件共有 {pages} 页。", "请核对页码。"),
        ("There is no page {page}.", "The file has {pages}.", "Check the page numbers."),
    ),
    _reason(
        "cannot-extract",
        ("无法从该格式中拆出页面。", "{media_type} 不支持按页原样拆分。", "请将整个文件作为一件，或重新分别扫描。"),
        (
            "Pages cannot be taken out of this format.",
            "{media_type} has no pages that can be copied as they are.",
            "Keep the file as one record, or scan the parts apart.",
        ),
    ),
)

REASONS: Final[Mapping[str, Reason]] = {reason.code: reason for reason in _ALL}


def message(code: str, language: str, parameters: Mapping[str, object] | None = None) -> str:
    """The whole message of a reason. Raises `KeyError` for a code that is none."""
    return REASONS[code].message(language, parameters)
