# SPDX-License-Identifier: MIT
"""What a replay must print, worked out page by page.

Nothing is split or joined here: each page has its own record, and a region is a run of pages whose
records continue. So a mistake of the program's block map shows as a difference.
"""

PAGE = 4096
STACK_MAX = 8 << 20
ENOMEM = 12
EVENTS = ("map", "unmap", "protect", "brk", "remap", "advise", "lock", "unlock", "sync", "touch")
# advice: (what it sets, what it clears)
ADVICE = {0: ("", "random sequential"), 1: ("random", "sequential"), 2: ("sequential", "random"),
          10: ("dontfork", ""), 11: ("", "dontfork"), 12: ("mergeable", ""), 13: ("", "mergeable"),
          14: ("huge", "nohuge"), 15: ("nohuge", "huge"), 16: ("dontdump", ""),
          17: ("", "dontdump"), 18: ("wipe", ""), 19: ("", "wipe")}
DONTNEED = 4
# Flags of a map that stay with the region (stack: no huge pages, Linux since 6.7).
LASTING = {"shared": "shared", "shared_validate": "shared", "noreserve": "noreserve",
           "growsdown": "growsdown", "locked": "locked", "hugetlb": "hugetlb",
           "stack": "nohuge"}
# Lines of summary() behind the regions.
COUNTS = 5


def pages_of(start, length):
    return range(start - start % PAGE, start + length, PAGE)


def protected(record, prot):
    _, kind, attributes, origin = record
    if "w" in prot and not attributes & {"shared", "noreserve", "hugetlb"}:
        attributes = attributes | {"charged"}
    return (prot, kind, frozenset(attributes), origin)


class Model:
    def __init__(self):
        self.pages = {}     # address -> (prot, kind, attributes, where its contents come from)
        self.resident = set()
        self.resident_max = 0
        self.events = dict.fromkeys(EVENTS, 0)
        self.touches = dict.fromkeys("rwx", 0)
        self.heap_break = None
        self.line = 0

    def drop(self, pages):
        for page in pages:
            self.pages.pop(page, None)
            self.resident.discard(page)

    def change(self, pages, function, until_hole):
        for page in pages:
            if page in self.pages:
                self.pages[page] = function(self.pages[page])
            elif until_hole:
                return

    def do_region(self, start, end, prot, kind, *_):
        start = int(start, 16)
        # A file's page is known by its distance; two start regions are never the same file.
        origin = (f"region {self.line}", 0) if kind == "file" else ("", 0)
        record = protected((prot, kind, frozenset(), origin), prot)
        for page in range(start, int(end, 16), PAGE):
            self.pages[page] = record

    def do_map(self, _, length, prot, flags, file, offset, answer):
        start = int(answer, 16)
        names = flags.split(",")
        attributes = frozenset(LASTING[name] for name in names if name in LASTING)
        origin = ("", 0)
        if "anon" not in names:
            origin = (f"file {file}", int(offset, 16) - start)
        elif "shared" in attributes:
            origin = (f"shared {self.line}", -start)
        kind = "anon" if "anon" in names else "file"
        record = protected((prot, kind, attributes, origin), prot)
        for page in pages_of(start, int(length, 16)):
            self.pages[page] = record
            self.resident.discard(page)

    def do_unmap(self, address, length, _):
        self.drop(pages_of(int(address, 16), int(length, 16)))

    def do_protect(self, address, length, prot, _):
        self.change(pages_of(int(address, 16), int(length, 16)),
                    lambda record: protected(record, prot), True)

    def do_advise(self, address, length, advice, _):
        pages = pages_of(int(address, 16), int(length, 16))
        advice = int(advice)
        added, removed = (set(names.split()) for names in ADVICE.get(advice, ("", "")))
        self.change(pages, lambda r: (r[0], r[1], frozenset((r[2] | added) - removed), r[3]), False)
        for page in pages if advice == DONTNEED else ():
            origin = self.pages[page][3][0]
            if not origin.startswith("shared"):
                self.resident.discard(page)

    def do_lock(self, address, length, _):
        self.change(pages_of(int(address, 16), int(length, 16)),
                    lambda r: (r[0], r[1], r[2] | {"locked"}, r[3]), True)

    def do_unlock(self, address, length, _):
        self.change(pages_of(int(address, 16), int(length, 16)),
                    lambda r: (r[0], r[1], r[2] - {"locked"}, r[3]), True)

    def do_sync(self, *_):
        pass

    def do_remap(self, address, length, length_new, flags, _, answer):
        old, new = int(address, 16), int(answer, 16)
        pages = pages_of(old, int(length, 16))
        prot, kind, attributes, (origin, base) = self.pages[old]
        record = (prot, kind, attributes, (origin, base + old - new if origin else 0))
        resident = {page - old for page in pages if page in self.resident}
        if int(flags) & 4:
            self.resident.difference_update(pages)
        else:
            self.drop(pages)
        for page in pages_of(new, int(length_new, 16)):
            self.pages[page] = record
            self.resident.discard(page)
            if page - new in resident:
                self.resident.add(page)

    def do_brk(self, _, answer):
        answer = int(answer, 16)
        before = answer if self.heap_break is None else self.heap_break
        self.heap_break = answer
        record = protected(("", "anon", frozenset(), ("", 0)), "rw-")
        for page in range(-(-before // PAGE) * PAGE, answer, PAGE):
            self.pages[page] = record
        self.drop(range(-(-answer // PAGE) * PAGE, before, PAGE))

    def do_touch(self, address, access):
        page = int(address, 16)
        self.touches[access] += 1
        if page not in self.pages:
            self.grow_stack(page)
        if access != "x" or self.pages[page][0][:2] != "--":
            self.resident.add(page)
        self.resident_max = max(self.resident_max, len(self.resident))

    def grow_stack(self, page):
        above = page
        while above not in self.pages and above < page + STACK_MAX:
            above += PAGE
        assert self.pages[above][1] == "stack"
        for new in range(page, above, PAGE):
            self.pages[new] = self.pages[above]

    def do(self, line):
        name, *fields = [field for field in line.split(" ") if field != "="]
        refused = fields[-1].startswith("-") and name in EVENTS
        if name in EVENTS:
            self.events[name] += 1
        if not refused or (name in ("protect", "lock", "unlock", "advise")
                           and fields[-1] == f"-{ENOMEM}"):
            getattr(self, f"do_{name}")(*fields)

    def regions(self):
        """(start, end, record) of each run of pages that continue."""
        runs = []
        for page in sorted(self.pages):
            record = self.pages[page]
            if runs and runs[-1][1] == page and runs[-1][2] == record:
                runs[-1][1] = page + PAGE
            else:
                runs.append([page, page + PAGE, record])
        return runs


def summary(path):
    """What the replay of the trace at `path` must print: its regions, then COUNTS lines more."""
    model = Model()
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(file, start=1):
            model.line = number
            if not line.startswith("#"):
                model.do(line.rstrip("\n"))
    regions = model.regions()
    lines = [f"{start:x}-{end:x} {record[0]} {record[1]}"
             + (",shared" if "shared" in record[2] else "")
             for start, end, record in regions]
    lines.append(f"regions: {len(regions)}")
    lines.append("events: " + " ".join(f"{name} {model.events[name]}" for name in EVENTS))
    lines.append("touches: " + " ".join(f"{name} {model.touches[name]}" for name in "rwx"))
    lines.append(f"resident pages: {len(model.resident)}")
    lines.append(f"resident pages at most: {model.resident_max}")
    return lines
