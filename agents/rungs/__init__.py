"""The rungs that ask a language model.

`model` is the way of every question, whatever the agent: build the prompt, ask, check, correct once, hold against the
evidence, find the confidence, let a second look lower it. `showing` is the one place where data becomes a prompt:
hidden, fenced, bounded. The other modules say how each agent is asked, and what its answer may be.
"""
