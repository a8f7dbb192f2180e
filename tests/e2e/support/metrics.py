"""Prometheus' text format, read strictly: what a scraper would refuse or misread is an error here."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*,?)?\}})? (\S+)(?: (-?\d+))?")
_KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}


class Metrics:
    """The samples of one scrape."""

    def __init__(self, text: str):
        assert text.endswith("\n"), "the last line has no line feed"
        self.kinds: dict[str, str] = {}
        self.helps: dict[str, str] = {}
        self.samples: dict[tuple[str, frozenset], float] = {}
        family = None
        done = set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, _, help_text = line[7:].partition(" ")
                assert name not in self.helps, f"a second HELP of {name}"
                self.helps[name] = help_text
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert kind in _KINDS and name not in self.kinds, line
                self.kinds[name] = kind
            elif line and not line.startswith("#"):
                name = self._sample(line)
                if name != family:
                    assert name not in done, f"the samples of {name} do not stand together"
                    done.add(name)
                    family = name
        self._check_histograms()

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of `name` that have these labels; 0 when there is none."""
        wanted = set(labels.items())
        return sum(value for (n, have), value in self.samples.items() if n == name and wanted <= have)

    def __contains__(self, name: str) -> bool:
        return name in self.kinds

    def _sample(self, line: str) -> str:
        match = _SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match[1], match[2] or "", float(match[3])
        pairs = [tuple(pair.split("=", 1)) for pair in re.findall(_LABEL, labels)]
        assert len({pair[0] for pair in pairs}) == len(pairs), f"a label twice: {line!r}"
        key = (name, frozenset((label, text[1:-1]) for label, text in pairs))
        assert key not in self.samples, f"a sample twice: {line!r}"
        self.samples[key] = value
        family = name
        if family not in self.kinds:
            family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert self.kinds.get(family), f"no TYPE before {line!r}"
        assert family in self.helps, f"no HELP before {line!r}"
        if self.kinds[family] == "counter":
            assert family.endswith("_total") and value >= 0, f"no counter: {line!r}"
        return family

    def _check_histograms(self) -> None:
        for family in (name for name, kind in self.kinds.items() if kind == "histogram"):
            series: dict[frozenset, list[tuple[float, float]]] = {}
            for (name, labels), value in self.samples.items():
                if name == f"{family}_bucket":
                    bound = float(dict(labels)["le"])
                    rest = frozenset(pair for pair in labels if pair[0] != "le")
                    series.setdefault(rest, []).append((bound, value))
            for labels, buckets in series.items():
                counts = [count for _, count in sorted(buckets)]
                assert counts == sorted(counts), f"{family}: the buckets are not cumulative"
                assert max(buckets)[0] == float("inf"), f"{family}: no +Inf bucket"
                assert counts[-1] == self.samples[(f"{family}_count", labels)], f"{family}: +Inf is not the count"
                assert (f"{family}_sum", labels) in self.samples
