"""What managers look at: Streamlit pages over the marts. They know `analytics` and nothing else of the house.

`app.py` lets in whoever brings a token of the workspace and draws the way from page to page; each page is a file in `boards/`, a
function that `shell` gives a `numbers.View` to draw with `parts`. `filters` keep in the address what the view is of, `rows` opens
what is behind a number, `sheets` lets it be taken away.
"""
