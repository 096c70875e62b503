"""Numbers that can be trusted: from the event log to every chart, by one road.

Nothing here knows the application; a PostgreSQL connection and a folder come in, answers go out.

- `lake`       one folder per account, and what makes its files safe to read while they are written
- `extract`    the log and the small tables to Parquet, by cursor
- `staging/`   the log's columns taken out of its JSON; what each conversation was when (`states`) and by which hours it
               lived (`hours`), its events in order (`told`, in words `story`), its customer's waits (`waits`),
               and what a survey judges (`judged`)
- `schedules`  which calendar a conversation lives by, and the openings that follow; `assistants`: where Captain answers
- `marts/`     one grain each, named in the first comment with its units
- `build`      staging, marts and checks, in order; a build that fails its checks is never shown. Mostly only conversations
               with something new are derived, and stand beside the others (`lake.mart`)
- `checks`     keys unique, counts equal to the log's, nothing orphaned, nothing negative
- `metrics`    each number once: name, unit, sentence, what is left out, SQL; `document`: docs/metrics.md, made of it
- `read`       the one reader of CLI, dashboards, notebooks and exports; `restated`: why a number is another than it was
- `mirror`     a copy of the lake on S3-compatible storage, for other machines
- `command`    what `kulpunai metrics` and `kulpunai export` do

Instants are microseconds since 1970 UTC (`…_us`), spans are microseconds; both become seconds when they are read.
"""
