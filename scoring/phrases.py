"""The sentences of an explanation, in English and Chinese, by the code of the step they tell."""

from typing import Literal

Language = Literal["en", "zh"]

SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "finding": "{finding}, rule {rule}, {on}{about}: {trigger} It takes {amount} points from {item}. {source}",
        "award": "{finding}, rule {rule}, {on}{about}: {trigger} It gives {amount} points to {item}. {source}",
        "later": "{finding}, rule {rule}, {on}: it counts only after the day of this score, and its {amount} "
        "points are "
        "left out. {source}",
        "duty-met": "{finding}, rule {rule}: the duty of {month} was done, nothing is taken. {source}",
        "duty-excused": "{finding}, rule {rule}: {month} is excused, nothing is taken. {source}",
        "duty-pending": "{finding}, rule {rule}: {month} is pending, nothing is taken yet. {source}",
        "duty-missed": "{finding}, rule {rule}: {trigger} In {month} {reached} of {asked} was done, so it "
        "counts as missed. "
        "It takes {amount} points from {item}. {source}",
        "revised-change": "{finding}, rule {rule}: changed ({by}) from {from} to {to} points.",
        "revised-lower": "{finding}, rule {rule}: lowered ({by}) from {from} to {to} points.",
        "revised-strike": "{finding}, rule {rule}: struck ({by}) from {from} to {to} points.",
        "revised-keep": "{finding}, rule {rule}: kept ({by}) from {from} to {to} points.",
        "recurrence-once-per-key": "{finding}, rule {rule}: already counted with {counted_by}, which has the "
        'same key "{key}", '
        "from {from} to {to} points.",
        "recurrence-once-per-period": "{finding}, rule {rule}: it counts once a period and {counted_by} counts, "
        "from {from} to "
        "{to} points.",
        "recurrence-at-most": "{finding}, rule {rule}: it counts at most {times} times and {counted_by} comes "
        "before, from {from} "
        "to {to} points.",
        "recurrence-escalating": "{finding}, rule {rule}: repeated within {window} days, doubled from {from} to "
        "{to} points.",
        "overlap": '{finding}, rule {rule}: already counted by {counted_by} in the incident "{incident}", from '
        "{from} to {to} "
        "points.",
        "rule-clamp-ceiling": "Rule {rule} in {item} counts at most so much, from {from} to {to} points.",
        "rule-clamp-floor": "Rule {rule} in {item} counts at least so much, from {from} to {to} points.",
        "item-floor": "Item {item}: {from} taken, {to} counted: the item cannot go below {limit}.",
        "item-ceiling": "Item {item}: the item cannot go above {limit}, its reward goes from {from} to {to} points.",
        "item": "Item {item}, {title}: {points} points, {recorded} recorded, {counted} counted, score {score}, "
        "reward {reward}.{cited}",
        "group-clamp-ceiling": "Group {group} ({items}) counts at most so much, from {from} to {to} points.",
        "group-clamp-floor": "Group {group} ({items}) counts at least so much, from {from} to {to} points.",
        "total-clamp-ceiling": "The total cannot go above its ceiling, from {from} to {to} points.",
        "total-clamp-floor": "The total cannot go below its floor, from {from} to {to} points.",
        "rounded-counted": "Item {item}: counted, rounded ({mode}, {digits} digits) from {from} to {to} points.",
        "rounded-reward": "Item {item}: reward, rounded ({mode}, {digits} digits) from {from} to {to} points.",
        "rounded-total": "The total, rounded ({mode}, {digits} digits) from {from} to {to} points.",
        "total": "Total: {total} of {max} points.",
        "band": 'Band "{label}" in the table {table}{yields}.',
        "part": "Assignment {id}: {total} points, weight {weight}.",
        "part-left-out": "Assignment {id}: {total} points, left out: it is not the main post.",
        "not-rated": "Nothing was rated.",
        "period": "Period {id}: {total} points, weight {weight}.",
        "period-left-out-not-rated": "Period {id}: left out, since nothing was rated.",
        "period-left-out-no-part": "Period {id}: left out, since there was no appraisal.",
        "period-left-out-not-yet": "Period {id}: not counted yet, since its result is not signed.",
        "period-left-out-outside-window": "Period {id}: left out, since only the last periods of the year count.",
        "mean": "Mean: {sum} divided by {weights}, rounded ({mode}, {digits} digits), is {total} points.",
    },
    "zh": {
        "finding": "{finding}，规则 {rule}，{on}{about}：{trigger}从 {item} 扣 {amount} 分。{source}",
        "award": "{finding}，规则 {rule}，{on}{about}：{trigger}给 {item} 奖 {amount} 分。{source}",
        "later": "{finding}，规则 {rule}，{on}：在本次计分日之后才计入，其 {amount} 分暂不计。{source}",
        "duty-met": "{finding}，规则 {rule}：{month} 的职责已履行，不扣分。{source}",
        "duty-excused": "{finding}，规则 {rule}：{month} 已获免除，不扣分。{source}",
        "duty-pending": "{finding}，规则 {rule}：{month} 尚未结束，暂不扣分。{source}",
        "duty-missed": "{finding}，规则 {rule}：{trigger}{month} 完成 {reached}，要求 {asked}，按未履行计。"
        "从 {item} 扣 {amount} 分。{source}",
        "revised-change": "{finding}，规则 {rule}：更改（{by}），由 {from} 分改为 {to} 分。",
        "revised-lower": "{finding}，规则 {rule}：降低（{by}），由 {from} 分改为 {to} 分。",
        "revised-strike": "{finding}，规则 {rule}：撤销（{by}），由 {from} 分改为 {to} 分。",
        "revised-keep": "{finding}，规则 {rule}：维持（{by}），由 {from} 分改为 {to} 分。",
        "recurrence-once-per-key": "{finding}，规则 {rule}：与 {counted_by} 同属“{key}”，已经计过，由 {from} "
        "分改为 {to} 分。",
        "recurrence-once-per-period": "{finding}，规则 {rule}：每期只计一次，已计 {counted_by}，由 {from} "
        "分改为 {to} 分。",
        "recurrence-at-most": "{finding}，规则 {rule}：最多计 {times} 次，{counted_by} 在先，由 {from} 分改为 "
        "{to} 分。",
        "recurrence-escalating": "{finding}，规则 {rule}：{window} 天内再次发生，加倍，由 {from} 分改为 {to} 分。",
        "overlap": "{finding}，规则 {rule}：同一事件“{incident}”已由 {counted_by} 计过，由 {from} 分改为 {to} 分。",
        "rule-clamp-ceiling": "规则 {rule}（{item}）有上限，由 {from} 分改为 {to} 分。",
        "rule-clamp-floor": "规则 {rule}（{item}）有下限，由 {from} 分改为 {to} 分。",
        "item-floor": "项目 {item}：应扣 {from} 分，实扣 {to} 分：该项得分不低于 {limit}。",
        "item-ceiling": "项目 {item}：该项得分不高于 {limit}，奖分由 {from} 分改为 {to} 分。",
        "item": "项目 {item}，{title}：满分 {points} 分，记录 {recorded} 分，计入 {counted} 分，得分 {score}，"
        "奖分 {reward}。{cited}",
        "group-clamp-ceiling": "分组 {group}（{items}）有上限，由 {from} 分改为 {to} 分。",
        "group-clamp-floor": "分组 {group}（{items}）有下限，由 {from} 分改为 {to} 分。",
        "total-clamp-ceiling": "总分有上限，由 {from} 分改为 {to} 分。",
        "total-clamp-floor": "总分有下限，由 {from} 分改为 {to} 分。",
        "rounded-counted": "项目 {item}：计入的扣分取整（{mode}，{digits} 位），由 {from} 分改为 {to} 分。",
        "rounded-reward": "项目 {item}：奖分取整（{mode}，{digits} 位），由 {from} 分改为 {to} 分。",
        "rounded-total": "总分取整（{mode}，{digits} 位），由 {from} 分改为 {to} 分。",
        "total": "总分：{total} 分（满分 {max} 分）。",
        "band": "等级“{label}”，见表 {table}{yields}。",
        "part": "任职 {id}：{total} 分，权重 {weight}。",
        "part-left-out": "任职 {id}：{total} 分，不是主岗，不计入。",
        "not-rated": "没有可计的考核。",
        "period": "{id}：{total} 分，权重 {weight}。",
        "period-left-out-not-rated": "{id}：未予考核，不计入。",
        "period-left-out-no-part": "{id}：没有考核表，不计入。",
        "period-left-out-not-yet": "{id}：结果尚未签署，暂不计入。",
        "period-left-out-outside-window": "{id}：只计本年最后若干期，不计入。",
        "mean": "平均：{sum} 除以 {weights}，取整（{mode}，{digits} 位），得 {total} 分。",
    },
}

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "source": 'Source, line {line}: "{clause}".',
        "clause": 'Clause: "{clause}".',
        "cited": " Source, line {line}.",
        "sites": "{inspected} of {sites} sites",
        "share": "{share} %",
        "key": ', key "{key}"',
        "incident": ', incident "{incident}"',
        "units": ", {units} {unit}",
        "known": ", known {known}",
        "replaces": ", instead of {replaces}",
        "number": ", number {number}",
        "coefficient": ", coefficient {coefficient}",
        "review": "at review",
        "appeal": "on appeal",
        "correction": "by correction",
    },
    "zh": {
        "source": "依据第 {line} 行：“{clause}”。",
        "clause": "条款：“{clause}”。",
        "cited": "依据第 {line} 行。",
        "sites": "{inspected}/{sites} 处",
        "share": "{share} %",
        "key": "，依据“{key}”",
        "incident": "，事件“{incident}”",
        "units": "，{units} {unit}",
        "known": "，{known} 得知",
        "replaces": "，代替 {replaces}",
        "number": "，数值 {number}",
        "coefficient": "，系数 {coefficient}",
        "review": "复核",
        "appeal": "申诉",
        "correction": "更正",
    },
}
