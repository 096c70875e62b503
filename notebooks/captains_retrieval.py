"""What does Captain find, propose and leave to people, and can his confidence be believed? Runs on what `kulpunai export` wrote.

kulpunai export --account 1 --out export                  (--with-personal-data: what customers asked, in words)
python notebooks/captains_retrieval.py --export export    (or: KULPUNAI_EXPORT=export marimo edit notebooks/captains_retrieval.py)
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Что находит Капитан · Captain's retrieval")


@app.cell
def _():
    from collections import Counter
    from datetime import timedelta

    import marimo as mo
    import numpy as np
    import plotly.graph_objects as go
    from exported import folder, instant, listed, number, opened, percent, share
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    from analytics.command import timezone_of
    from analytics.local_time import zone
    from analytics.read import table, wilson

    return (
        AgglomerativeClustering,
        Counter,
        TfidfVectorizer,
        folder,
        go,
        instant,
        listed,
        mo,
        np,
        number,
        opened,
        percent,
        share,
        table,
        timedelta,
        timezone_of,
        wilson,
        zone,
    )


@app.cell
def _(mo):
    mo.md("""
    # Что находит Капитан, и можно ли верить его уверенности?
    *What does Captain find, and can his confidence be believed?*

    На каждый вопрос клиента Капитан ищет статьи, говорит, насколько уверен, и тогда предлагает черновик агенту, отвечает клиенту
    или оставляет вопрос людям. Что стало с черновиком, решает агент; помог ли ответ, говорит клиент.
    """)
    return


@app.cell
def _(folder, mo, number, opened, timezone_of, zone):
    # One row per question of a customer (message_id): what was found, and what Captain made of it, the last time he looked.
    export = folder()
    tables = opened(export)
    clock = zone(timezone_of(export))
    tables.execute("""
        create temp table told as
        select seq, name, occurred_us, conversation_id, inbox_id, message_id, is_helpful,
            cast(data ->> '$.draft_id' as bigint) as draft_id,
            cast(data ->> '$.reply_id' as bigint) as reply_id,
            cast(data ->> '$.confidence' as double) as confidence,
            cast(data ->> '$.edit_distance' as bigint) as edit_distance,
            cast(data -> '$.article_ids' as bigint[]) as article_ids,
            data ->> '$.reason' as reason,
            data ->> '$.kind' as kind
        from events where name like 'captain.%'
    """)
    tables.execute("""
        create temp table questions as
        select
            message_id,
            any_value(conversation_id) as conversation_id,
            any_value(inbox_id) as inbox_id,
            min(occurred_us) as asked_us,
            max_by(article_ids, seq) filter (where name = 'captain.retrieved') as article_ids,
            bool_or(name = 'captain.drafted') as is_drafted,
            bool_or(name = 'captain.replied' and kind in ('answer', 'suggest')) as is_answered,
            max_by(reason, seq) filter (where name = 'captain.abstained') as reason
        from told
        where name in ('captain.retrieved', 'captain.drafted', 'captain.abstained', 'captain.replied') and message_id is not null
        group by message_id
    """)
    tables.execute("""
        create temp table drafts as
        select drafted.draft_id, drafted.message_id, drafted.confidence, decided.edit_distance,
            coalesce(replace(decided.name, 'captain.draft_', ''), 'left') as fate
        from told as drafted
        left join told as decided
            on drafted.draft_id = decided.draft_id
            and decided.name in ('captain.draft_accepted', 'captain.draft_edited', 'captain.draft_rejected')
        where drafted.name = 'captain.drafted'
    """)
    (asked,) = tables.execute("select count(*) from questions").fetchone()
    (remembered,) = tables.execute(
        "select count(*) from events where name = 'message.created' and sender_type = 'captain' and causation = 'history'"
    ).fetchone()
    has_words = (export / "message_texts.parquet").exists()
    mo.md(
        f"В загруженной истории сообщений Капитана {number(remembered)}; что он тогда находил, в ней не записано."
        if remembered
        else ""
    )
    return asked, clock, export, has_words, remembered, tables


@app.cell
def _(asked, listed, mo, number, share, tables):
    mo.stop(asked == 0, mo.md("## Что он делал\n\nВ этой выгрузке Капитан ещё ни на один вопрос не смотрел."))
    _found, _drafted, _answered, _abstained = tables.execute(
        """select count(*) filter (where len(article_ids) > 0), count(*) filter (where is_drafted),
            count(*) filter (where is_answered), count(*) filter (where reason is not null) from questions"""
    ).fetchall()[0]
    _rows = [
        ("нашёл хотя бы одну статью", share(_found, asked)),
        ("предложил черновик агенту", share(_drafted, asked)),
        ("ответил клиенту сам", share(_answered, asked)),
        ("отвечать не стал", share(_abstained, asked)),
    ]
    mo.md(f"## Что он делал\n\nВопросов: {number(asked)}.\n\n{listed(('Капитан', 'Доля вопросов'), _rows)}")
    return


@app.cell
def _(asked, listed, mo, number, share, tables):
    # Drafts nobody has decided on grew old: the customer wrote more, or the agent began without them.
    mo.stop(asked == 0)
    fates = dict(tables.execute("select fate, count(*) from drafts group by fate").fetchall())
    decided = sum(n for fate, n in fates.items() if fate != "left")
    taken = fates.get("accepted", 0) + fates.get("edited", 0)
    (_letters,) = tables.execute("select median(edit_distance) from drafts where fate = 'edited'").fetchone()
    _rows = [
        (words, share(fates.get(fate, 0), decided))
        for fate, words in (
            ("accepted", "отправлено как есть"),
            ("edited", "исправлено и отправлено"),
            ("rejected", "отклонено"),
        )
    ]
    _said = f"Решений: {number(decided)}; ещё {number(fates.get('left', 0))} черновиков устарели или ждут.\n\n"
    if _letters is not None:
        _said = f"{_said}У половины исправленных изменено не больше {number(_letters)} знаков.\n\n"
    mo.md(f"## Черновики\n\n{_said}{listed(('Агент', 'Доля решений'), _rows) if decided else ''}")
    return decided, taken


@app.cell
def _(asked, listed, mo, np, number, percent, share, tables, wilson):
    # Confidence is meant to be the share of drafts that are right; an agent who sends one, mended or not, is our witness.
    mo.stop(asked == 0)

    def verdict(confident, hits, n):
        low, high = wilson(hits, n)
        if n < 10:
            return "мало"
        return "слишком уверен" if confident > high else "слишком осторожен" if confident < low else "сходится"

    _judged = tables.execute("select confidence, fate <> 'rejected' from drafts where fate <> 'left'").fetchall()
    _bins = {}
    for _confidence, _is_taken in _judged:
        _bins.setdefault(min(int(_confidence * 10), 9), []).append((_confidence, _is_taken))
    calibration = [
        (
            f"{number(each / 10, 1)}–{number((each + 1) / 10, 1)}",
            float(np.mean([c for c, t in rows])),
            sum(t for c, t in rows),
            len(rows),
        )
        for each, rows in sorted(_bins.items())
    ]
    _rows = [
        (name, percent(confident), share(hits, n), verdict(confident, hits, n))
        for name, confident, hits, n in calibration
    ]
    _said = (
        "Решений по черновикам ещё нет."
        if not _judged
        else listed(("Уверенность", "Он думал", "Взяли", "Вывод"), _rows)
    )
    if _judged:
        _missed = sum(n * abs(confident - hits / n) for name, confident, hits, n in calibration) / len(_judged)
        _said += f"\n\nВ среднем уверенность расходится с делом на {number(100 * _missed)} п. п. (n = {len(_judged)})."
        if len(_judged) < 50:
            _said += " Решений меньше пятидесяти: это ещё не о Капитане, а о случае."
    mo.md(
        "## Можно ли верить уверенности\n\nИз черновиков с уверенностью 0,8 агенты должны брать восемь из десяти. Показывают"
        f" только те, что выше порога; о прочих так не узнать.\n\n{_said}"
    )
    return (calibration,)


@app.cell
def _(calibration, go, mo, wilson):
    mo.stop(not calibration)
    _at = [hits / n for name, confident, hits, n in calibration]
    _bounds = [wilson(hits, n) for name, confident, hits, n in calibration]
    _figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line_dash="dot", name="как должно быть", hoverinfo="skip"),
            go.Scatter(
                x=[confident for name, confident, hits, n in calibration],
                y=_at,
                mode="markers",
                marker_size=10,
                name="взяли",
                text=[f"n = {n}" for name, confident, hits, n in calibration],
                error_y={
                    "array": [high - at for (low, high), at in zip(_bounds, _at, strict=True)],
                    "arrayminus": [at - low for (low, high), at in zip(_bounds, _at, strict=True)],
                },
            ),
        ]
    )
    _figure.update_layout(
        title="Какую долю черновиков берут, по уверенности Капитана (95 %, Уилсон)",
        xaxis={"title": "уверенность", "range": [0, 1.02]},
        yaxis={"title": "взяли", "range": [0, 1.02]},
        height=380,
        separators=",\u00a0",
    )
    mo.ui.plotly(_figure)
    return


@app.cell
def _(asked, listed, mo, share, tables):
    # What he wrote to customers himself, and what they said to “did it help?”, the last time they said it
    mo.stop(asked == 0)
    _rows = tables.execute(
        """with said as (
            select message_id, max_by(is_helpful, seq) as has_helped from told where name = 'captain.feedback' group by message_id
        )
        select
            case when confidence >= 0.9 then 'от 0,9' when confidence >= 0.7 then '0,7–0,9' else 'ниже 0,7' end as sure,
            count(*), count(has_helped), count(*) filter (where has_helped)
        from told left join said on reply_id = said.message_id
        where name = 'captain.replied' and kind in ('answer', 'suggest')
        group by sure order by min(confidence) desc"""
    ).fetchall()
    _listed = [(sure, n, share(rated, n), share(helped, rated)) for sure, n, rated, helped in _rows]
    mo.md(
        "## Ответы клиентам\n\n"
        + (
            listed(("Уверенность", "Ответов", "Сказали, помогло ли", "Помогло, из сказавших"), _listed)
            + "\n\nКто молчит, тот не обязательно доволен; довольные же отвечают охотнее."
            if _listed
            else "Сам Капитан клиентам ещё не отвечал."
        )
    )
    return


@app.cell
def _(asked, export, listed, mo, share, table, tables):
    # The article that stood first
    mo.stop(asked == 0)
    _rows = tables.execute(
        """select article_ids[1] as article_id, count(*) as n,
            count(*) filter (where fate <> 'left'), count(*) filter (where fate in ('accepted', 'edited')),
            count(*) filter (where reason in ('not_sure', 'failed_twice'))
        from questions left join drafts using (message_id)
        where len(article_ids) > 0
        group by article_id order by n desc, article_id limit 15"""
    ).fetchall()
    _titles = {row["article_id"]: row["title"] for row in table(export, "articles")}
    _listed = [
        (_titles.get(article, f"№\u00a0{article}"), n, share(good, judged), share(bad, n))
        for article, n, judged, good, bad in _rows
    ]
    mo.md(
        "## Какие статьи он находит\n\nТа, что нашлась первой. Если за ней часто нет ответа, статью стоит дописать.\n\n"
        + (
            listed(("Статья", "Вопросов", "Черновик взяли", "Ответа не нашлось"), _listed)
            if _listed
            else "Ни одной статьи ещё не нашлось."
        )
    )
    return


@app.cell
def _(asked, listed, mo, number, share, tables):
    mo.stop(asked == 0)
    _WORDS = {
        "not_sure": "не уверен",
        "failed_twice": "дважды не помог",
        "customer_asked": "клиент попросил человека",
        "anger": "клиент сердится",
        "money": "речь о деньгах",
        "no_words": "сообщение без слов",
        "too_many": "слишком много сообщений",
        "captain_away": "Капитан был недоступен",
        "switched_off": "Капитана выключили",
        "went_on": "разговор ушёл дальше",
    }
    _rows = tables.execute(
        "select reason, count(*) as n from questions where reason is not null group by reason order by n desc, reason"
    ).fetchall()
    abstained = sum(n for reason, n in _rows)
    reasons = [(_WORDS.get(reason, reason), n) for reason, n in _rows]
    _listed = [(words, number(n), share(n, abstained)) for words, n in reasons]
    mo.md(
        "## Почему не отвечал\n\n"
        + (listed(("Причина", "Вопросов", "Доля"), _listed) if _rows else "Такого ещё не было.")
    )
    return (reasons,)


@app.cell
def _(Counter, asked, clock, go, instant, listed, mo, tables, timedelta):
    # What nobody has written an article about: Captain looked, and was not sure. By week, and by the label of today.
    mo.stop(asked == 0)
    tables.execute(
        """create or replace temp table unanswered as
        select * from questions where reason in ('not_sure', 'failed_twice') and not is_drafted and not is_answered"""
    )
    (unanswered,) = tables.execute("select count(*) from unanswered").fetchone()
    mo.stop(unanswered == 0, mo.md("## Без ответа\n\nВопросов, на которые у Капитана нет ответа, не было."))
    _asked = tables.execute("select asked_us from unanswered").fetchall()
    _dates = [instant(us).astimezone(clock).date() for (us,) in _asked]
    _weeks = Counter(date - timedelta(days=date.weekday()) for date in _dates)
    _names = [f"с {monday:%d.%m.%y}" for monday in sorted(_weeks)]
    _figure = go.Figure(go.Bar(x=_names, y=[_weeks[monday] for monday in sorted(_weeks)]))
    _figure.update_layout(title="Вопросов без ответа, по неделям", height=260, xaxis_type="category")
    _labels = tables.execute(
        """select coalesce(label, 'без метки'), count(*) as n
        from (
            select unnest(case when len(labels) > 0 then labels else [null] end) as label
            from unanswered join conversations_now using (conversation_id)
        )
        group by label order by n desc, label limit 15"""
    ).fetchall()
    mo.vstack(
        [
            mo.md("## Без ответа\n\nЗдесь не хватает статей: Капитан искал и не был уверен."),
            mo.ui.plotly(_figure),
            mo.md(listed(("Метка диалога сегодня", "Вопросов"), _labels)),
        ]
    )
    return (unanswered,)


@app.cell
def _(AgglomerativeClustering, TfidfVectorizer, np):
    def themes(texts):
        """Alike questions together, the largest group first, in each the shortest first. By letters: endings matter little."""
        if len(texts) < 2:
            return [[text] for text in texts]
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=5000)
        near = AgglomerativeClustering(
            n_clusters=None, metric="precomputed", linkage="average", distance_threshold=0.85
        )
        vectors = letters.fit_transform(texts)
        distances = np.clip(1 - (vectors @ vectors.T).toarray(), 0, 1)
        groups = {}
        for group, text in zip(near.fit_predict(distances), texts, strict=True):
            groups.setdefault(group, []).append(text)
        return sorted((sorted(group, key=len) for group in groups.values()), key=len, reverse=True)

    return (themes,)


@app.cell
def _(has_words, listed, mo, number, tables, themes, unanswered):
    mo.stop(
        not has_words,
        mo.md("О чём эти вопросы, здесь не узнать: слов клиентов в выгрузке нет. Они есть с `--with-personal-data`."),
    )
    _texts = tables.execute(
        """select content from unanswered join message_texts using (message_id)
        where length(content) between 12 and 400 order by asked_us desc, message_id desc limit 1000"""
    ).fetchall()
    about = themes([text for (text,) in _texts])
    mo.md(
        f"### О чём спрашивали\n\nВсего {number(unanswered)}. Похожие вопросы вместе, по самому короткому; частые сверху.\n\n"
        + listed(("Вопрос", "Сколько раз"), [(group[0], len(group)) for group in about[:20]])
    )
    return


@app.cell
def _(mo, share, tables):
    # Readers of the help center: what they typed is theirs, only the outcome is known.
    _searches, _misses, _answered, _declined = tables.execute(
        """select count(*) filter (where name = 'article.searched'),
            count(*) filter (where name = 'article.searched' and cast(data ->> '$.hits' as bigint) = 0),
            count(*) filter (where name = 'captain.answered'), count(*) filter (where name = 'captain.declined')
        from events"""
    ).fetchall()[0]
    mo.md(
        "## Справочный центр\n\n"
        f"- поисков без результата: {share(_misses, _searches)}\n"
        f"- вопросов читателей, на которые Капитан не ответил: {share(_declined, _answered + _declined)}"
    )
    return


@app.cell
def _(asked, mo, remembered):
    # The answer, where there is none yet
    nothing = ""
    if asked == 0:
        nothing = "Ответ: Капитан ещё ничего не искал, судить его не по чему."
        nothing += " В загруженной истории есть только его слова." if remembered else ""
        print(nothing)
    mo.md(f"## {nothing}" if nothing else "")
    return


@app.cell
def _(asked, decided, mo, number, reasons, share, taken):
    # The answer
    def _said():
        said = f"Ответ: Капитан смотрел вопросов: {number(asked)}. "
        if decided:
            said += f"Агенты взяли {share(taken, decided)} черновиков, по которым решили. "
        if decided < 50:
            said += "Чтобы судить о его уверенности, решений пока мало. "
        if reasons:
            said += f"Не отвечал он чаще всего потому, что {reasons[0][0]} ({number(reasons[0][1])})."
        return said.strip()

    conclusion = _said()
    print(conclusion)
    mo.md(f"## {conclusion}")
    return


if __name__ == "__main__":
    app.run()
