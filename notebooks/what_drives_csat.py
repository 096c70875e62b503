"""What goes together with content customers? Runs on what `kulpunai export` wrote.

kulpunai export --account 1 --out export
python notebooks/what_drives_csat.py --export export      (or: KULPUNAI_EXPORT=export marimo edit notebooks/what_drives_csat.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="С чем связаны оценки · What drives CSAT")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    import plotly.graph_objects as go
    from exported import folder, listed, number, opened, percent, share
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from analytics.read import table, wilson

    return (
        LogisticRegression,
        StandardScaler,
        StratifiedGroupKFold,
        cross_val_predict,
        folder,
        go,
        listed,
        make_pipeline,
        mo,
        np,
        number,
        opened,
        percent,
        roc_auc_score,
        share,
        table,
        wilson,
    )


@app.cell
def _(mo):
    mo.md("""
    # С чем связаны оценки клиентов?
    *What drives CSAT?*

    Доволен — значит, поставил 4 или 5. Считается последняя оценка каждого решения диалога, как в метрике `csat`. Первый ответ —
    ответ человека, как в `first_response_human`; там, где Капитан справился один, его нет.

    Всё ниже — **связи, не причины**: сложный вопрос и ждёт дольше, и оценивается хуже, даже если отвечать быстрее.
    """)
    return


@app.cell
def _():
    NEWEST = 10_000  # ratings looked at: more would only take longer
    # A coefficient wants some ten of the rarer outcome: https://en.wikipedia.org/wiki/One_in_ten_rule
    PER_FEATURE = 10
    DRAWS = 400
    return DRAWS, NEWEST, PER_FEATURE


@app.cell
def _(NEWEST, folder, mo, number, opened, table):
    export = folder()
    channels = {row["inbox_id"]: row["channel"] for row in table(export, "inboxes")}
    with opened(export) as _tables:
        ratings = _tables.sql(
            """with told as (
                select *, row_number() over (
                    partition by conversation_id, coalesce(resolution_seq, -seq) order by answered_us desc, seq desc
                ) as from_last
                from csat_answers
            )
            select
                told.rating,
                told.rating >= 4 as is_content,
                coalesce(conversations.contact_id, -told.conversation_id) as contact,
                reply.span_us / 1e6 as response_seconds,
                resolutions.life_us / 1e6 as resolution_seconds,
                coalesce(resolutions.ordinal > 1, false) as is_reopened,
                told.is_captains and reply.span_us is null as is_captain_alone,
                told.is_captains and reply.span_us is not null as is_captain_first,
                told.inbox_id
            from told
            left join conversations on told.conversation_id = conversations.conversation_id
            left join first_responses as reply on told.conversation_id = reply.conversation_id and reply.kind = 'human'
            left join resolutions on told.resolution_seq = resolutions.seq
            where from_last = 1
            order by told.answered_us desc, told.seq desc
            limit ?""",
            params=[NEWEST],
        ).pl()
    is_empty = ratings.is_empty()
    _said = f"Оценок: {number(len(ratings))}, клиентов: {number(ratings['contact'].n_unique())}."
    if len(ratings) == NEWEST:
        _said += " Взяты самые новые."
    mo.md("Оценок пока нет." if is_empty else _said)
    return channels, is_empty, ratings


@app.cell
def _(go, is_empty, mo, number, ratings, share):
    mo.stop(is_empty)
    _grades = (1, 2, 3, 4, 5)
    _by_grade = [int((ratings["rating"] == grade).sum()) for grade in _grades]
    _figure = go.Figure(go.Bar(x=list(_grades), y=_by_grade, text=[number(n) for n in _by_grade]))
    _figure.update_layout(title="Оценок каждого балла, штук", height=260, separators=",\u00a0", xaxis_dtick=1)
    mo.vstack(
        [
            mo.md(f"## Всего\n\nДовольны {share(int(ratings['is_content'].sum()), len(ratings))}."),
            mo.ui.plotly(_figure),
        ]
    )
    return


@app.cell
def _(channels, is_empty, listed, mo, ratings, share):
    # Each trait by itself, before any model
    _SECONDS = (
        ("до минуты", 0, 60),
        ("1–5 минут", 60, 300),
        ("5–15 минут", 300, 900),
        ("15–60 минут", 900, 3600),
        ("1–4 часа", 3600, 14_400),
        ("4–24 часа", 14_400, 86_400),
        ("дольше суток", 86_400, float("inf")),
    )

    def shares(named):
        """Rows for the groups that have any ratings: name and share."""
        rows = [(name, rated) for name, rated in named if len(rated)]
        return [(name, int(rated["is_content"].sum()), len(rated)) for name, rated in rows]

    def within(column, buckets):
        return [
            (name, ratings.filter((ratings[column] >= least) & (ratings[column] < most)))
            for name, least, most in buckets
        ]

    by_response = [] if is_empty else shares(within("response_seconds", _SECONDS))
    mo.stop(is_empty)
    _names = sorted({channels.get(inbox_id, f"канал {inbox_id}") for inbox_id in ratings["inbox_id"]})
    _channel = [channels.get(inbox_id, f"канал {inbox_id}") for inbox_id in ratings["inbox_id"]]
    _by_channel = [(name, ratings.filter([one == name for one in _channel])) for name in _names]
    _again, _alone, _first = (ratings[name] for name in ("is_reopened", "is_captain_alone", "is_captain_first"))
    _parts = (
        ("Первый ответ человека", by_response),
        ("Решение", shares(within("resolution_seconds", _SECONDS))),
        ("Открывали снова", shares([("да", ratings.filter(_again)), ("нет", ratings.filter(~_again))])),
        (
            "Капитан",
            shares(
                [
                    ("справился один", ratings.filter(_alone)),
                    ("передал человеку", ratings.filter(_first)),
                    ("не участвовал", ratings.filter(~_alone & ~_first)),
                ]
            ),
        ),
        ("Канал", shares(_by_channel)),
    )
    _rows = [
        (f"{title}: {name}", share(hits, n) + ("" if n >= 10 else ", мало"))
        for title, rows in _parts
        for name, hits, n in rows
    ]
    mo.md(
        "## Каждый признак сам по себе\n\nВ скобках — где истинная доля лежит в 95 случаях из 100. Если эти промежутки"
        " пересекаются, разница может быть случайной.\n\n" + listed(("Признак", "Довольны"), _rows)
    )
    return (by_response,)


@app.cell
def _(by_response, go, mo, wilson):
    mo.stop(not by_response)
    _bounds = [wilson(hits, n) for name, hits, n in by_response]
    _shares = [100 * hits / n for name, hits, n in by_response]
    _figure = go.Figure(
        go.Scatter(
            x=[f"{name}<br>n = {n}" for name, hits, n in by_response],
            y=_shares,
            mode="markers",
            marker_size=10,
            error_y={
                "array": [100 * high - at for (low, high), at in zip(_bounds, _shares, strict=True)],
                "arrayminus": [at - 100 * low for (low, high), at in zip(_bounds, _shares, strict=True)],
            },
        )
    )
    _figure.update_layout(
        title="Довольны, %, в зависимости от первого ответа человека (95 %, Уилсон)",
        yaxis_range=[0, 102],
        height=340,
        separators=",\u00a0",
    )
    mo.ui.plotly(_figure)
    return


@app.cell
def _(PER_FEATURE, channels, is_empty, mo, np, ratings):
    # What the model is made of. Doubled times, because a minute more means much after one minute and nothing after a day.
    rated = ratings.filter(
        ratings["resolution_seconds"].is_not_null()
        & (ratings["response_seconds"].is_not_null() | ratings["is_captain_alone"])
    )
    # Where Captain was alone nobody waited for a person: the mean stands there, and a trait of its own says so
    _waited = np.log2(1 + rated["response_seconds"].to_numpy())
    _waited = np.nan_to_num(_waited - (np.nanmean(_waited) if np.isfinite(_waited).any() else 0))
    _channel = np.array([channels.get(inbox_id, f"канал {inbox_id}") for inbox_id in rated["inbox_id"]])
    _names, _counts = np.unique(_channel, return_counts=True)
    _usual = _names[_counts.argmax()] if len(_names) else ""
    _traits = {
        "первый ответ человека вдвое дольше": _waited,
        "решение вдвое дольше": np.log2(1 + rated["resolution_seconds"].to_numpy()),
        "открывали снова": rated["is_reopened"].to_numpy().astype(float),
        "Капитан справился один": rated["is_captain_alone"].to_numpy().astype(float),
        "Капитан передал человеку": rated["is_captain_first"].to_numpy().astype(float),
    } | {f"{name}, а не {_usual}": (_channel == name).astype(float) for name in _names if name != _usual}
    people = np.unique(rated["contact"].to_numpy(), return_inverse=True)[1]

    def is_common(column):
        """Whether enough people stand on either side of it; of a trait that three have, only chance would speak."""
        above = column > column.mean()
        return min(len(set(people[above])), len(set(people[~above]))) >= PER_FEATURE

    traits = {name: column for name, column in _traits.items() if len(column) and is_common(column)}
    _rare = ", ".join(name for name in _traits if name not in traits)
    contents = rated["is_content"].to_numpy()
    # people, not ratings: one who rates ten times is not ten witnesses
    rarer = min(len(set(people[contents])), len(set(people[~contents])))
    needed = PER_FEATURE * max(1, len(traits))
    is_enough = bool(traits) and rarer >= needed
    _left_out = len(ratings) - len(rated)
    mo.md(
        "" if is_empty
        else "## Всё вместе\n\nЛогистическая регрессия: каждая связь при прочих равных. "
        + (f"Не вошли оценки, к которым нет ответа или решения: {_left_out}. " if _left_out else "")
        + (f"Слишком редки или у всех одинаковы: {_rare}. " if _rare else "")
        + (
            "" if is_enough
            else f"**Данных мало**: на меньшей из двух сторон, довольных и недовольных, клиентов {rarer}, а признаков "
            f"{len(traits)}, и на каждый нужно около {PER_FEATURE}. Модель на таких данных рассказывала бы о случае."
        )
    )  # fmt: skip
    return contents, is_enough, needed, people, rarer, traits


@app.cell
def _(DRAWS, LogisticRegression, StandardScaler, contents, is_enough, mo, np, people, traits):
    # The bootstrap draws people, each with all his ratings.
    mo.stop(not is_enough)
    columns = np.column_stack(list(traits.values()))
    scaler = StandardScaler().fit(columns)
    scaled = scaler.transform(columns)
    _dice = np.random.default_rng(0)
    _everybody = people.max() + 1
    _drawn = [np.bincount(_dice.integers(_everybody, size=_everybody), minlength=_everybody) for n in range(DRAWS)]
    draws = [times[people] for times in _drawn if len(set(contents[times[people] > 0])) == 2]

    def odds(weights):
        """By how much the odds of a content customer are multiplied, by trait."""
        fitted = LogisticRegression().fit(scaled, contents, sample_weight=weights)
        return np.exp(fitted.coef_[0] / scaler.scale_)

    effects = odds(np.ones(len(contents)))
    _effects = np.array([odds(weights) for weights in draws])
    lows, highs = np.quantile(_effects, (0.025, 0.975), axis=0)
    return columns, draws, effects, highs, lows


@app.cell
def _(effects, go, highs, listed, lows, mo, number, traits):
    _rows = [
        (
            name,
            f"×\u00a0{number(effect, 2)}",
            f"{number(low, 2)}–{number(high, 2)}",
            "да" if low > 1 or high < 1 else "нет",
        )
        for name, effect, low, high in zip(traits, effects, lows, highs, strict=True)
    ]
    _figure = go.Figure(
        go.Scatter(
            x=effects,
            y=list(traits),
            mode="markers",
            marker_size=10,
            error_x={"array": highs - effects, "arrayminus": effects - lows},
        )
    )
    _figure.add_vline(x=1, line_dash="dot")
    _figure.update_layout(
        title="Во сколько раз меняются шансы, что клиент доволен",
        xaxis_type="log",
        height=120 + 50 * len(traits),
        separators=",\u00a0",
        margin_l=220,
    )
    mo.vstack(
        [
            mo.ui.plotly(_figure),
            mo.md(
                listed(("Признак", "Шансы", "95\u00a0%", "Отличимо от случая"), _rows)
                + "\n\nИнтервалы — бутстрэп по клиентам. Каждый двадцатый признак, который ни с чем не связан, всё же покажется"
                " отличимым."
            ),
        ]
    )
    return


@app.cell
def _(
    LogisticRegression,
    StandardScaler,
    StratifiedGroupKFold,
    columns,
    contents,
    cross_val_predict,
    draws,
    make_pipeline,
    mo,
    np,
    number,
    people,
    percent,
    roc_auc_score,
):
    # Nobody is judged by a model that has seen his other ratings.
    _folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    _model = make_pipeline(StandardScaler(), LogisticRegression())
    _foretold = cross_val_predict(_model, columns, contents, groups=people, cv=_folds, method="predict_proba")[:, 1]
    auc = roc_auc_score(contents, _foretold)
    _drawn = [roc_auc_score(contents, _foretold, sample_weight=weights) for weights in draws]
    auc_low, auc_high = np.quantile(_drawn, (0.025, 0.975))
    _said = f"""## Много ли это объясняет

Если взять довольного и недовольного наугад, модель, которая этих клиентов не видела, узнаёт довольного в
{percent(auc)} случаев (95\u00a0%: {number(100 * auc_low)}–{percent(auc_high)}); монетка — в 50\u00a0%.
"""
    if auc_low <= 0.5:
        _said += "\nЭто не отличить от монетки: по этим признакам оценку не предсказать."
    mo.md(_said)
    return auc, auc_low


@app.cell
def _(is_empty, is_enough, mo, needed, rarer):
    # The answer, where there cannot be a model
    if is_empty:
        too_few = "Ответ: клиенты ещё ничего не оценили, связывать оценки не с чем."
    elif not is_enough:
        too_few = (
            f"Ответ: данных мало: на меньшей из сторон клиентов {rarer}, а нужно хотя бы {needed}. Выводов пока нет."
        )
    else:
        too_few = ""
    if too_few:
        print(too_few)
    mo.md(f"## {too_few}" if too_few else "")
    return


@app.cell
def _(auc, auc_low, contents, effects, highs, lows, mo, number, percent, traits):
    # The answer
    def _said():
        found = [
            (name, effect)
            for name, effect, low, high in zip(traits, effects, lows, highs, strict=True)
            if low > 1 or high < 1
        ]
        if not found:
            return f"Ответ: отчётливых связей не видно (n = {len(contents)})."
        told = ", ".join(
            f"{name} — шансы × {number(effect, 2)}" for name, effect in sorted(found, key=lambda one: one[1])
        )
        said = f"Ответ: с тем, доволен ли клиент, отчётливо связаны: {told} (n = {len(contents)}). "
        if auc_low <= 0.5:
            return said + "Но предсказать оценку отдельного клиента по ним нельзя."
        return said + f"Довольного от недовольного они вместе отличают в {percent(auc)} случаев."

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
