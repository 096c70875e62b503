"""What managers look at: Streamlit pages over the marts. They know `analytics` and nothing else of the house.

`app.py` lets in whoever brings a token of the workspace; a page is a function that asks `numbers.View` and draws.
"""
