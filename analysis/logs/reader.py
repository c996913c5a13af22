"""From lines to templates with a severity: JSON and logfmt are read, stack traces folded, the rest mined."""

from __future__ import annotations

from analysis.logs.messages import read_message, structured
from analysis.logs.miner import Miner, MinerConfig, Template
from analysis.logs.severity import of_words
from analysis.logs.stacks import MAX_TRACE_CHARACTERS, stack_key
from core.frames import LogLine
from core.models import Severity


class LogReader:
    """Reads the lines of one service, one by one, in their order."""

    def __init__(self, config: MinerConfig | None = None) -> None:
        self.miner = Miner(config)
        self._severities: dict[int, Severity] = {}

    def read(self, line: LogLine, trace: str = "") -> tuple[Template, Severity]:
        """Template and severity of a line; `trace` is the stack trace that follows it (`stacks.folded`).

        The severity is the source's, else the level that the line states, else that of the template's words.
        """
        text = line.text
        level = None
        if structured(text):
            message = read_message(text)
            text, level, trace = message.text, message.level, trace or message.stack
        if not trace and "\n" in text:
            trace = text[:MAX_TRACE_CHARACTERS]
        key = stack_key(trace) if trace else ""
        template = self.miner.add_trace(key) if key else self.miner.add(text)
        return template, line.severity or level or self._of_words(template)

    def _of_words(self, template: Template) -> Severity:
        """The severity of a template's words, judged once; forgotten with those that were given up."""
        known = self._severities.get(template.id)
        if known is None:
            if len(self._severities) > 4 * self.miner.config.max_templates:
                self._severities.clear()
            known = self._severities[template.id] = of_words(template.text)
        return known
