"""Captain: answers customers from the help center, with sources, and says so when he does not know.

Nothing here knows the application or a database. Texts and vectors go in, ranked passages and drafts come out.

- `text`, `letters`     what a person typed, made readable: layout slips, translit, stems, the kind of answer wanted
- `passages`            an article cut into passages that can be quoted
- `embedder`            texts to vectors; the one module that loads a model, besides:
- `reranker`            a cross-encoder's second look at the best hits, where one is configured
- `remote`              models at an OpenAI-compatible server; whoever starts Captain hands in the client that calls it
- `index`               candidates to ranked hits, by the weights of weights.json
- `confidence`          how likely the best hit answers the question
- `calibration`         an account's own correction of that, from what its agents did with drafts
- `reply`               a draft with its sources, three links, or an honest "I do not know"
- `writer`              a model's wording of the draft, every sentence held against the passage it cites
- `server`, `client`    one process holds the model, everybody else asks it over a local socket
- `shelf`, `evaluate`, `fit`   the same retrieval in memory, its quality in numbers, and where the coefficients come from

`client`, `wire` and `calibration` use the standard library alone: the web process imports them without numpy and without a model.
"""
