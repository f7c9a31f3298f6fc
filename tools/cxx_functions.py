"""Finds the functions of a C++ source by its braces, well enough to measure them. Pure; no compiler needed."""

import re

# What carries braces or newlines that mean nothing: comments, literals. Order matters.
NOISE = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|R"(?P<delimiter>[^()\\ ]{0,16})\(.*?\)(?P=delimiter)"'
    r"|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
TYPE_HEAD = re.compile(r"^(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union|enum)\b", re.S)
FUNCTION_TAIL = re.compile(r"\)\s*(?:const|noexcept|override|final|mutable|&|\s)*$")
ARROW = re.compile(r"\)\s*(?:(?:const|noexcept|mutable)\s*)*->")
TAIL_WORDS = re.compile(r"\b(?:const|noexcept|override|final|mutable|try)\b|[&\s]")
NAME = re.compile(r"(operator\s*[^\s\w(]+|[\w~:]+)\s*\(")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def without_noise(text):
    return PREPROCESSOR.sub(blank, NOISE.sub(blank, text))


def kind_of(head):
    """What a brace opens after `head`, the text since the last boundary: "scope", "function" or "value"."""
    stripped = head.strip()
    if re.match(r"^(?:inline\s+)?namespace\b|^extern\b\s*$", stripped):
        return "scope"
    if TYPE_HEAD.match(stripped) and not FUNCTION_TAIL.search(stripped):
        return "scope"
    if "(" not in stripped or stripped.count("(") != stripped.count(")"):
        return "value"
    after = stripped[stripped.rfind(")") + 1:]
    if ARROW.search(stripped) or after.lstrip().startswith("requires") or not TAIL_WORDS.sub("", after):
        return "function"
    return "value"  # a variable, or a member in a constructor's list: the body comes later


def name_of(head):
    head = re.sub(r"\s+", " ", re.sub(r"^\s*template\s*<[^{]*?>\s*(?=\w)", "", head)).strip()
    if macro := re.match(r"(?:TYPED_)?TEST(?:_F|_P)?\s*\(\s*(\w+)\s*,\s*(\w+)", head):
        return f"{macro[1]}.{macro[2]}"
    if variable := re.search(r"(\w+)\s*=\s*\[", head):
        return variable[1]
    found = NAME.search(head)
    return found[1] if found else "?"


def matching(text, opening):
    """Index after the brace that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def functions(source):
    """(name, first line, number of lines) of each function, nested lambdas and blocks counting to their function."""
    text = without_noise(source)
    found, start, index = [], 0, 0
    while index < len(text):
        character = text[index]
        if character == "{":
            kind = kind_of(text[start:index])
            if kind == "scope":
                start = index + 1
            else:
                end = matching(text, index)
                if kind == "function":
                    begin = start + len(text[start:index]) - len(text[start:index].lstrip())
                    first = text.count("\n", 0, begin) + 1
                    found.append((name_of(text[start:index]), first, text.count("\n", 0, end) + 2 - first))
                    start = end
                index = end
                continue
        elif character in ";}" or (character == ":" and re.search(r"\b(public|private|protected)\s*$", text[start:index])):
            start = index + 1
        index += 1
    return found
