"""The problems of a roster in both languages, by their codes; the English is what the roster itself says."""

from collections.abc import Mapping
from typing import Any

from services.roster import Problem

_PARTS = {"assessor": "评分", "reviewer": "复核", "decider": "裁决申诉"}

_ZH: Mapping[str, tuple[str, str]] = {
    "no-rubric": (
        "{number}的岗位（{post}）在本周期没有考核办法。",
        "为本周期增加含该岗位的考核办法，或注明理由后不纳入此人。",
    ),
    "incomplete-rubric": (
        "岗位{post}的考核办法不完整。",
        "补全考核办法；或注明理由后不纳入相关人员；或注明理由后仍然启动。",
    ),
    "no-email": ("{number}没有电子邮箱。", "打印通知，或补充邮箱。"),
    "address-missing": ("{number}没有电子邮箱。", "补充邮箱，或注明理由后不纳入此人。"),
    "rubric-after-period-start": (
        "考核办法在周期首日尚未生效；规定不能追溯。",
        "及时发布；或手动建立并启动本周期（appraise cycle new），计划不再处理该周期。",
    ),
    "no-group": ("{number}：流程没有规定岗位{post}由谁评分。", "在流程中加入该岗位，或注明理由后不纳入此人。"),
    "two-heads": ("{number}：同一职位同时有两人任职。", "结束其中一个任职，或指定由谁办理。"),
    "nobody-left": ("{number}：已没有人可以办理。", "指定办理人。"),
    "no-assessor": ("{number}：没有人可以评分。", "指定评分人，或注明理由后不纳入此人。"),
    "no-reviewer": ("{number}：没有人可以复核。", "指定复核人，或注明理由后不纳入此人。"),
    "no-decider": ("{number}：没有人可以裁决申诉。", "指定裁决人，或注明理由后不纳入此人。"),
    "override-is-appraisee": ("{number}：指定的办理人是其本人。", "改为指定他人。"),
    "override-unavailable": ("{number}：指定的办理人正在受保护的缺勤期间。", "改为指定他人。"),
    "override-recused": ("{number}：指定的办理人须回避。", "改为指定他人。"),
    "same-person-twice": ("{number}：同一人承担了两个环节。", "如有不妥，请指定他人。"),
    "holder-is-appraisee": ("{number}：应办理的职位由其本人担任，改由上一级办理。", "如有不妥，请指定他人。"),
    "reviewer-not-above": ("{number}：复核人不是评分人的上级，改由上一级办理。", "如有不妥，请指定他人。"),
    "vacancy": ("{number}：应办理的职位空缺，改由上一级办理。", "如有不妥，请指定他人。"),
    "unavailable": ("{number}：应办理的人正在受保护的缺勤期间，改由上一级办理。", "如有不妥，请指定他人。"),
    "recusal": ("{number}：应办理的人须回避，改由上一级办理。", "如有不妥，请指定他人。"),
    **{
        f"{role}-is-appraisee": (f"{{number}}：名册中负责{part}的人填成了其本人。", "请更正该栏。")
        for role, part in _PARTS.items()
    },
}


def worded(problem: Problem, language: str, posts: Mapping[str, Any]) -> tuple[str, str]:
    """Return text and mend of a problem in a language; one that has no words there is told as the roster tells it.

    `posts` are rows with the names of the posts, by code.
    """
    if language != "zh" or problem.code not in _ZH:
        return problem.text, problem.mend
    text, mend = _ZH[problem.code]
    post = posts.get(problem.post or "")
    named = post.name_zh if post is not None else problem.post or ""
    return text.format(number=problem.number or "", post=named), mend
