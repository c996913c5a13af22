"""Language models behind `core.ports.ChatModel`: local ones on Ollama, and any OpenAI-compatible server.

Pure clients: no budget, no redaction and no policy is in here; whoever calls them has seen to that. What is done to a
request beside sending it (shortened, another model asked, tools left out) is told in `ModelReply.notes`.
"""
