"""The sheets and columns of an organisation as a spreadsheet: their names in English and Chinese, and what goes in.

Reading, the empty template and the documentation all follow this one table.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflow.vocabulary import GRANTED_ROLES, JUDGING_ROLES


class Content(StrEnum):
    """What a cell may hold."""

    TEXT = "text"
    LIST = "list"
    CODE = "code"
    NUMBER = "employee number"
    DATE = "day"
    YES = "yes or no"
    FIGURE = "figure"
    EMAIL = "e-mail address"
    MONTHS = "list of months"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its id, its other names, what it holds and what it is for.

    `choices` maps each word that may stand there, in either language, to the word that is stored.
    """

    id: str
    zh: str
    content: Content
    help_en: str
    help_zh: str
    required: bool = False
    choices: Mapping[str, str] | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its columns, which of them say what a row is about (`key`), and one example."""

    id: str
    zh: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    example: tuple[str, ...]
    help_en: str

    def column(self, column_id: str) -> Column:
        """Return a column by its id."""
        return next(column for column in self.columns if column.id == column_id)


KINDS = {"demo": "demo", "practice": "practice", "live": "live", "演示": "demo", "练习": "practice", "正式": "live"}
LANGUAGES = {"en": "en", "zh": "zh", "english": "en", "chinese": "zh", "英文": "en", "英语": "en", "中文": "zh"}
ASSIGNMENT_KINDS = {"regular": "regular", "acting": "acting", "正式": "regular", "任职": "regular", "代理": "acting"}
ABSENCE_KINDS = {"leave": "leave", "protected": "protected", "请假": "leave", "休假": "leave", "保护": "protected"}
CLOSURE_KINDS = {"closed": "closed", "working": "working", "休": "closed", "放假": "closed", "班": "working"}
ROLE_NAMES_ZH = {
    "assessor": "评分人",
    "reviewer": "审核人",
    "decider": "申诉裁决人",
    "hr": "人事",
    "clerk": "文书",
    "approver": "审批人",
    "proxy": "代录人",
    "auditor": "审计",
    "operator": "系统管理员",
}


def _roles(roles: tuple[str, ...]) -> dict[str, str]:
    words = {str(role): str(role) for role in roles}
    return words | {ROLE_NAMES_ZH[role]: role for role in words.copy()}


_TEXT, _CODE, _NUMBER, _DATE = Content.TEXT, Content.CODE, Content.NUMBER, Content.DATE

_FROM = Column("from", "开始日期", _DATE, "first day", "第一天", required=True, aliases=("since", "start", "起", "自"))
_TO = Column(
    "to", "结束日期", _DATE, "last day; empty while it lasts", "最后一天；未结束则留空", aliases=("until", "end", "止")
)
_REASON = Column(
    "reason", "原因", _TEXT, "why; an empty cell leaves what is stored", "原因；留空则保留原有内容", aliases=("理由",)
)
_PERSON = Column(
    "number",
    "工号",
    _NUMBER,
    "employee number; unique for ever",
    "工号，永不重复使用",
    required=True,
    aliases=("employee number", "employee", "employee no", "staff number", "员工编号", "员工号", "人员编号"),
)
_NAME_CHECK = Column("name", "姓名", _TEXT, "only to check the number; may be left out", "仅用于核对工号，可不填")
_POST = Column("post", "岗位", _CODE, "code or any name of the post", "岗位编号或名称", aliases=("position", "职位"))
_UNIT = Column("unit", "部门", _CODE, "code or name of the unit", "部门编号或名称", aliases=("department", "机构"))

_PEOPLE = (
    _PERSON,
    Column("name", "姓名", _TEXT, "name as people write it; two people may share one", "姓名；可以重名", required=True),
    Column(
        "language", "语言", _TEXT, "en or zh; empty: the organisation's", "en 或 zh；留空用单位语言", choices=LANGUAGES
    ),
    Column(
        "email",
        "邮箱",
        Content.EMAIL,
        "one address; empty where there is none",
        "一个邮箱地址；没有则留空",
        aliases=("e-mail", "mail", "email address", "电子邮箱", "电子邮件"),
    ),
    Column("joined", "入职日期", _DATE, "first day of employment", "入职第一天", aliases=("hired", "到职日期")),
    Column("left", "离职日期", _DATE, "last day of employment; ends the assignments", "最后一天；同时结束任职"),
)
_PLACE = (
    Column("manager", "直接上级", _NUMBER, "employee number of the manager; empty at the top only",
           "直接上级的工号；仅最高领导留空", aliases=("reports to", "supervisor", "上级")),
    Column("in-charge", "分管领导", _NUMBER, "employee number of the person in charge of the post; he scores",
           "分管该岗位的领导的工号；由其评分", aliases=("person in charge", "主管领导")),
    Column("kind", "任职类别", _TEXT, "regular, or acting: powers of the post, not appraised by it",
           "正式或代理；代理行使职权但不按该岗位考核", choices=ASSIGNMENT_KINDS, aliases=("assignment kind",)),
    Column("main", "主岗", Content.YES, "yes for the main post of somebody with several", "多个岗位时，主岗填“是”",
           aliases=("main post",)),
    Column("weight", "权重", Content.FIGURE, "weight of the post, where the rubric uses given weights",
           "岗位权重，仅在规则采用给定权重时使用"),
)  # fmt: skip

SHEETS: tuple[Sheet, ...] = (
    Sheet("organisation", "单位", (
        Column("name", "名称", _TEXT, "name of the organisation", "单位名称", required=True),
        Column("kind", "类型", _TEXT, "demo, practice or live; cannot be changed later",
               "演示、练习或正式；以后不可更改", required=True, choices=KINDS),
        Column("zone", "时区", _TEXT, "time zone, such as Asia/Shanghai", "时区，例如 Asia/Shanghai", required=True),
        Column("language", "语言", _TEXT, "en or zh", "en 或 zh", required=True, choices=LANGUAGES),
        Column("calendar", "工作日历", _TEXT, "country of the working calendar, such as CN or DE-BY",
               "工作日历的国家代码，例如 CN", required=True),
    ), (), ("Bank of the Lake", "practice", "Asia/Shanghai", "en", "CN"), "One row. The first import needs it."),
    Sheet("units", "部门", (
        Column("code", "部门编号", _CODE, "short code that never changes", "不变的编号", required=True,
               aliases=("编号",)),
        Column("name", "部门名称", _TEXT, "name", "名称", required=True, aliases=("名称",)),
        Column("parent", "上级部门", _CODE, "code of the unit above; empty at the top", "上级部门编号；最高一级留空"),
        Column("head", "负责人", _NUMBER, "employee number of its head; one only", "负责人工号；只能一位"),
    ), ("code",), ("office", "Office", "bank", "1004"), "The tree of units."),
    Sheet("posts", "岗位", (
        Column("code", "岗位编号", _CODE, "the post id that rubrics use", "考核规则所用的岗位编号", required=True,
               aliases=("编号",)),
        Column("name-en", "英文名称", _TEXT, "name in English", "英文名称", required=True,
               aliases=("name", "english name")),
        Column("name-zh", "中文名称", _TEXT, "name in Chinese", "中文名称", required=True,
               aliases=("chinese name", "岗位名称", "名称")),
        Column("aliases", "别名", Content.LIST, "other names, separated by ;", "其他名称，用分号隔开"),
    ), ("code",), ("director", "Director", "办公室主任", "head of office"), "The posts people hold."),
    Sheet("people", "人员", _PEOPLE, ("number",),
          ("1004", "Henrik Dahl", "en", "henrik.dahl@bank.example", "2019-03-01", ""), "One row for each person."),
    Sheet("assignments", "任职", (_PERSON, _NAME_CHECK, *(
        Column(c.id, c.zh, c.content, c.help_en, c.help_zh, required=True, aliases=c.aliases) for c in (_POST, _UNIT)
    ), *_PLACE, _FROM, _TO), ("number", "post", "kind", "from"),
          ("1004", "Henrik Dahl", "director", "office", "1002", "1002", "regular", "yes", "", "2019-03-01", ""),
          "Who is in which post from when to when; somebody who moves has two rows."),
    Sheet("overrides", "指定考核人", (
        _PERSON, _POST,
        Column("role", "角色", _TEXT, "assessor, reviewer or decider", "评分人、审核人或申诉裁决人", required=True,
               choices=_roles(JUDGING_ROLES)),
        Column("holder", "担任人", _NUMBER, "employee number of who has the role instead", "改由谁担任（工号）",
               required=True),
        _FROM, _TO, _REASON,
    ), ("number", "post", "role", "from"),
          ("1015", "escort", "assessor", "1006", "2026-01-01", "", "works in the archive this quarter"),
          "Somebody named against the reporting line, with a reason."),
    Sheet("absences", "缺勤", (
        _PERSON,
        Column("kind", "缺勤类别", _TEXT, "leave, or protected: not rated and never late",
               "请假，或保护（产假、长病假等：不考核、不催办）", required=True, choices=ABSENCE_KINDS),
        _FROM, _TO, _REASON,
    ), ("number", "kind", "from"), ("1009", "protected", "2026-02-24", "2026-07-01", ""),
          "Days away. The reason is seen by HR alone and may be left out."),
    Sheet("grants", "授权", (
        _PERSON,
        Column("role", "角色", _TEXT, "hr, clerk, approver, proxy, auditor or operator",
               "人事、文书、审批人、代录人、审计或系统管理员", required=True, choices=_roles(GRANTED_ROLES)),
        Column("unit", "部门", _CODE, "for this unit only; empty: the whole organisation", "仅限该部门；留空为全单位"),
        _FROM, _TO,
    ), ("number", "role", "unit", "from"), ("1007", "hr", "", "2026-01-01", ""), "Powers given by decision."),
    Sheet("conflicts", "回避", (
        _PERSON,
        Column("other", "回避对象", _NUMBER, "employee number of whom he may not judge", "需回避对象的工号",
               required=True),
        _FROM, _TO, _REASON,
    ), ("number", "other", "from"), ("1005", "1015", "2026-01-01", "", "brothers"), "Relatives and other interests."),
    Sheet("sites", "检查点", (
        Column("code", "检查点编号", _CODE, "short code", "编号", required=True, aliases=("编号",)),
        Column("name", "检查点名称", _TEXT, "name", "名称", required=True, aliases=("名称",)),
        Column("closed-months", "关闭月份", Content.MONTHS, "months in which it was closed, such as 2026-02; 2026-03",
               "关闭的月份，例如 2026-02；2026-03"),
    ), ("code",), ("north", "North vault", ""), "Places that monthly inspections must cover."),
    Sheet("closure-days", "休息日调整", (
        Column("day", "日期", _DATE, "the day", "日期", required=True, aliases=("date",)),
        Column("kind", "休班类别", _TEXT, "closed, or working", "休或班", required=True, choices=CLOSURE_KINDS,
               aliases=("类别",)),
        Column("name", "说明", _TEXT, "what for", "说明", required=True, aliases=("名称",)),
    ), ("day",), ("2026-06-12", "closed", "Founding day"), "Days that differ from the public calendar."),
)  # fmt: skip

FLAT = Sheet("people-and-assignments", "人员与任职", (
    *_PEOPLE, _POST, _UNIT, *_PLACE,
    Column("from", "开始日期", _DATE, "first day in the post; needed where a post is named", "任该岗位的第一天",
           aliases=(*_FROM.aliases, "任职开始日期")),
    Column("to", "结束日期", _DATE, "last day in the post; empty while it lasts", "任该岗位的最后一天",
           aliases=(*_TO.aliases, "任职结束日期")),
    Column("unit-head", "部门负责人", Content.YES, "yes if this person heads the unit", "是否部门负责人"),
), ("number", "post", "kind", "from"), (),
    "People and assignments in one table, as CSV; somebody with two posts has two rows.")  # fmt: skip

ABOUT = "about"
"""The sheet of explanations; it is not read."""


def plain(title: str) -> str:
    """Return a title without case, spaces, hyphens, stars and brackets, by which headers are compared."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def sheet_of(title: str) -> Sheet | None:
    """Return the sheet of an English or Chinese title, or None."""
    wanted = plain(title)
    return next((sheet for sheet in (*SHEETS, FLAT) if wanted in {plain(sheet.id), plain(sheet.zh)}), None)


def column_of(sheet: Sheet, title: str) -> Column | None:
    """Return the column that a title names: by its id, its Chinese name, another name, or both ("number 工号")."""
    wanted = plain(title)
    for column in sheet.columns:
        names = (column.id, column.zh, *column.aliases)
        if wanted and wanted in {plain(name) for name in names} | {plain(column.id + column.zh)}:
            return column
    return None
