"""An incident told to people: a summary, a hand-over note, the draft of a post-mortem.

Each has a version that needs no model (`plain`), which is also what a model is given to write from (`narrated`). Every
sentence cites evidence or an entry of the record, or is marked as an opinion.
"""
