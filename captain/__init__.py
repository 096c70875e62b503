"""Captain: answers customers from the help center, with sources, and says so when he does not know.

Nothing here knows the application or a database. Texts and vectors go in, ranked passages and drafts come out.

- `text`, `letters`     what a person typed, made readable: layout slips, translit, stems, the kind of answer wanted
- `passages`            an article cut into passages that can be quoted
- `embedder`            texts to vectors; the one module that loads a model
- `index`               candidates to ranked hits
- `confidence`          how likely the best hit answers the question
- `reply`               a draft with its sources, three links, or an honest "I do not know"
- `server`, `client`    one process holds the model, everybody else asks it over a local socket
- `shelf`, `evaluate`, `fit`   the same retrieval in memory, its quality in numbers, and where the coefficients come from

`client` and `wire` use the standard library alone: the web process imports them without numpy and without a model.
"""
