"""A model that may look further: it asks queries, is answered in digests, and ends with a structured answer.

`graphs.looking` runs it. The parts here are plain: what a model sees (`context`), how its calls are judged and answered
(`calls`), how evidence is told (`telling`), and what is known of the look so far (`progress`).
"""
