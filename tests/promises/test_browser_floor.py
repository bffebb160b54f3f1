"""What we ship works in the browsers that the documents name, and nothing newer slips in without a way around it.

Versions: when each browser began to know a feature. Whoever uses something newer than the floor adds it to
`DOES_WITHOUT` with what older browsers show instead, or leaves it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "consult" / "static"
#: The oldest versions promised: Chromium, Firefox, Safari. All of early 2022; phones of 2015 still get them.
FLOOR = (99.0, 97.0, 15.4)
NEVER = 999.0


@dataclass(frozen=True)
class Feature:
    """Something of CSS, JavaScript or HTML that a browser knows or does not."""

    name: str
    pattern: str
    since: tuple[float, float, float]

    def is_newer(self) -> bool:
        return any(began > promised for began, promised in zip(self.since, FLOOR, strict=True))

    def used_in(self, text: str) -> bool:
        return re.search(self.pattern, text, re.MULTILINE) is not None


CSS = (
    Feature("cascade layers", r"@layer\b", (99, 97, 15.4)),
    Feature(":is() and :where()", r":(is|where)\(", (88, 78, 14)),
    Feature(":focus-visible", r":focus-visible", (86, 85, 15.4)),
    Feature("logical offsets", r"inset-(inline|block)", (87, 66, 14.1)),
    Feature("accent-color", r"accent-color:", (93, 92, 15.4)),
    Feature(":has()", r":has\(", (105, 121, 15.4)),
    Feature("container queries", r"@container\b|container(-type|-name)?:", (105, 110, 16)),
    Feature("light-dark()", r"light-dark\(", (123, 120, 17.5)),
    Feature("dynamic viewport units", r"\d[dsl]v(h|w|b|i|min|max)\b", (108, 101, 15.4)),
    Feature("ranges in media queries", r"@media[^{]*[<>]", (104, 63, 16.4)),
    Feature("text-wrap", r"text-wrap(-style)?:", (114, 121, 17.5)),
    Feature("field-sizing", r"field-sizing:", (123, NEVER, 26.2)),
    Feature("hyphenate-limit-chars", r"hyphenate-limit-chars:", (109, 137, NEVER)),
    Feature("mixed colours", r"color-mix\(", (111, 113, 16.2)),
    Feature("colours by lightness", r"\b(ok)?(lch|lab)\(|\(from ", (111, 113, 15.4)),
    Feature("subgrid", r"subgrid", (117, 71, 16)),
    Feature("registered properties", r"@property\b", (85, 128, 16.4)),
    Feature("scopes", r"@scope\b", (118, 146, 17.4)),
    Feature("starting styles", r"@starting-style|transition-behavior", (117, 129, 17.5)),
    Feature("anchors", r"anchor-name:|position-anchor:|\banchor\(|position-area:", (125, 147, 26)),
    Feature("scroll timelines", r"(animation|scroll|view)-timeline", (115, NEVER, 26)),
    Feature("view transitions", r"view-transition|::view-", (111, 144, 18)),
    Feature("transforms of their own", r"[;{]\s*(rotate|scale|translate):", (104, 72, 14.1)),
    Feature("line units", r"\dr?lh\b", (109, 120, 16.4)),
    Feature("rounding and angles", r"\b(round|mod|rem|sin|cos|tan|abs|sign)\(", (125, 118, 15.4)),
    Feature(":dir()", r":dir\(", (120, 49, 16.4)),
    Feature(":user-invalid", r":user-(in)?valid", (119, 88, 16.5)),
    Feature(":popover-open", r":popover-open|::backdrop", (114, 125, 17)),
    Feature("content-visibility", r"content-visibility:", (85, 125, 18)),
    Feature("what details hold", r"::details-content", (131, 143, 18.4)),
    Feature("scrollbar-gutter", r"scrollbar-gutter:", (94, 97, 18.2)),
    Feature("overflow: clip", r"overflow[^:;]*:\s*clip", (90, 81, 16)),
    Feature("blurred backgrounds", r"[;{]\s*backdrop-filter:", (76, 103, 18)),
    Feature("masks", r"[;{]\s*mask(-image)?:", (120, 53, 15.4)),
    Feature("own easing", r"\blinear\(", (113, 112, 17.2)),
    Feature("if() and functions", r"\bif\(|@function\b", (137, NEVER, NEVER)),
)
JAVASCRIPT = (
    Feature("?. and ??", r"\?\.[a-zA-Z\[(]|\?\?", (80, 74, 13.1)),
    Feature("replaceChildren", r"\.replaceChildren\(", (86, 78, 14)),
    Feature("event.submitter", r"\.submitter\b", (81, 75, 15.4)),
    Feature(".at()", r"\.at\(", (92, 90, 15.4)),
    Feature("await outside of functions", r"^await\b|^const .*= await\b", (89, 89, 15)),
    Feature("a form's data with its button", r"new FormData\([^)]*,", (112, 111, 16.4)),
    Feature("findLast", r"\.findLast(Index)?\(", (97, 104, 15.4)),
    Feature("copies of arrays", r"\.(toSorted|toReversed|toSpliced)\(", (110, 115, 16)),
    Feature("groupBy", r"\.groupBy\(", (117, 119, 17.4)),
    Feature("withResolvers", r"\.withResolvers\(|Promise\.try\(|fromAsync\(", (121, 121, 17.4)),
    Feature("signals with a timeout", r"AbortSignal\.(timeout|any)\(", (116, 124, 17.4)),
    Feature("Intl.Segmenter", r"Intl\.(Segmenter|DurationFormat)", (87, 125, 14.1)),
    Feature("checkVisibility", r"\.checkVisibility\(", (105, 106, 17.4)),
    Feature("popovers", r"(show|hide|toggle)Popover\(", (114, 125, 17)),
    Feature("dialogs", r"\.showModal\(", (37, 98, 15.4)),
    Feature("looking behind", r"\(\?<[=!]", (62, 78, 16.4)),
    Feature("imports with attributes", r"\bwith\s*\{\s*type", (123, 138, 17.2)),
    Feature("static blocks", r"^\s*static\s*\{", (94, 93, 16.4)),
    Feature(
        "helpers of iterators", r"\.(values|keys|entries)\(\)\.(map|filter|take|toArray)\(|Iterator\.", (122, 131, 18.4)
    ),
    Feature("set operations", r"\.(union|intersection|symmetricDifference|isSubsetOf)\(", (122, 127, 17)),
    Feature("view transitions", r"startViewTransition", (111, 144, 18)),
    Feature("setHTML", r"\.setHTML(Unsafe)?\(|parseHTMLUnsafe", (124, 128, 18.2)),
    Feature("idle callbacks", r"requestIdleCallback", (47, 55, NEVER)),
    Feature("URL.canParse", r"URL\.(canParse|parse)\(", (120, 115, 17)),
    Feature("regular expressions with v", r"/[a-z]*v[a-z]*\.test\(", (112, 116, 17)),
    Feature("inert", r"\.inert\b", (102, 112, 15.5)),
)
HTML = (
    Feature("dialogs", r"<dialog\b", (37, 98, 15.4)),
    Feature("popovers", r"\spopover(target)?\b[=\s>]", (114, 125, 17)),
    Feature("inert", r"\sinert[\s>]", (102, 112, 15.5)),
    Feature("groups of details", r"<details[^>]*\sname=", (120, 130, 17.2)),
    Feature("<search>", r"<search\b", (118, 118, 17)),
    Feature("import maps", r'type="importmap"', (89, 108, 16.4)),
    Feature("found when hidden", r"until-found", (102, 139, 26.2)),
    Feature("commands of buttons", r"\scommand(for)?=", (135, 144, 26.2)),
)
#: Newer than the floor and used nevertheless: what an older browser shows instead.
DOES_WITHOUT = {
    ":has()": "a choice that is taken has no frame of another colour; its dot still shows it",
    "container queries": "narrow tables scroll in their box instead of becoming a list; choices stand below each other",
    "light-dark()": "the light colours of the fallback in consult.css; no dark ones",
    "dynamic viewport units": "a short page does not reach the lower edge of the window",
    "what details hold": "the contents beside the text are opened by hand, as on a phone",
    "content-visibility": "stands only where the contents beside the text are opened",
    "text-wrap": "lines break where they are full",
    "field-sizing": "a box for text is as high as it was made and scrolls",
    "hyphenate-limit-chars": "words are hyphenated more often, or not at all",
}


def sources(kind: str) -> dict[str, str]:
    """What reaches browsers, by name."""
    if kind == "html":
        files = [path for path in (ROOT / "templates").rglob("*.html") if "emails" not in path.parts]
    else:
        files = list((STATIC / kind).glob(f"*.{kind}"))
    comments = r"/\*.*?\*/" if kind == "css" else r"^\s*//.*?$" if kind == "js" else r"\{#.*?#\}"
    flags = re.DOTALL if kind != "js" else re.MULTILINE
    return {str(path.relative_to(ROOT)): re.sub(comments, "", path.read_text("utf-8"), flags=flags) for path in files}


def too_new(features: tuple[Feature, ...], texts: dict[str, str]) -> list[str]:
    return [
        f"{name} uses {feature.name}, known since {feature.since}"
        for name, text in texts.items()
        for feature in features
        if feature.is_newer() and feature.name not in DOES_WITHOUT and feature.used_in(text)
    ]


def nested(css: str) -> list[str]:
    """Rules inside of style rules: browsers of the floor drop what follows."""
    found, open_rules, start = [], [], 0
    for place, sign in enumerate(css):
        if sign == "{":
            prelude = css[start:place].strip()
            if any(not rule.startswith("@") for rule in open_rules):
                found.append(prelude)
            open_rules.append(prelude)
            start = place + 1
        elif sign in "};":
            if sign == "}":
                open_rules.pop()
            start = place + 1
    return found


def selectors(css: str) -> list[str]:
    """The preludes of all style rules."""
    return [part.strip() for part in re.findall(r"([^{};]+)\{", css) if not part.strip().startswith("@")]


def listed(selector: str) -> list[str]:
    """The selectors of a list, cut at its outermost commas."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(selector):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(selector[start:place])
            start = place + 1
    return [*parts, selector[start:]]


@pytest.mark.parametrize(("kind", "features"), [("css", CSS), ("js", JAVASCRIPT), ("html", HTML)])
def test_nothing_is_used_that_the_promised_browsers_do_not_know(kind, features):
    texts = sources(kind)
    assert texts
    assert not too_new(features, texts)


def test_no_style_rule_stands_inside_another_one():
    assert not [(name, rule) for name, css in sources("css").items() for rule in nested(css)]


def test_a_selector_that_older_browsers_do_not_know_takes_no_other_with_it():
    """One unknown selector makes the whole list void."""
    wrong = []
    for name, css in sources("css").items():
        for selector in selectors(css):
            parts = listed(selector)
            if any(":has(" in part for part in parts) and not all(":has(" in part for part in parts):
                wrong.append((name, selector))
    assert not wrong


def test_without_pairs_of_colours_the_light_ones_are_there():
    css = sources("css")["consult/static/css/consult.css"]
    fallback = re.search(r"@supports not \(color: light-dark\(#000, #fff\)\) \{(.*?)\}\s*\}", css, re.DOTALL)
    assert fallback
    for token in (
        "ground",
        "surface",
        "text",
        "muted",
        "line",
        "accent",
        "on-accent",
        "band",
        "on-band",
        "focus",
        "danger",
    ):
        pair = re.search(rf"--{token}: light-dark\(([^,]+),", css)
        plain = re.search(rf"--{token}: (#[0-9a-f]+);", fallback[1])
        assert pair, token
        assert plain, f"no plain --{token}"
        assert pair[1] == plain[1], token


def test_what_is_allowed_is_needed():
    used = {
        feature.name
        for kind, features in (("css", CSS), ("js", JAVASCRIPT), ("html", HTML))
        for feature in features
        if feature.is_newer() and any(feature.used_in(text) for text in sources(kind).values())
    }
    assert used == set(DOES_WITHOUT)


def test_the_documents_name_the_floor():
    named = "Chromium {:g}, Firefox {:g} and Safari {:g}".format(*FLOOR)
    for document in ("README.md", "docs/operations.md"):
        assert named in " ".join((ROOT / document).read_text("utf-8").split()), f"{document} does not say {named}"


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (CSS, "@media (width >= 30rem) { a { color: red } }"),
        (CSS, "a { color: color-mix(in srgb, red, blue) }"),
        (CSS, "a { rotate: 3deg }"),
        (JAVASCRIPT, "const data = new FormData(form, event.submitter);"),
        (JAVASCRIPT, "found.toSorted()"),
        (JAVASCRIPT, "box.showPopover()"),
        (HTML, "<dialog open>"),
        (HTML, '<button popovertarget="x">'),
    ],
)
def test_something_too_new_is_found(features, text):
    assert too_new(features, {"sample": text})


@pytest.mark.parametrize("text", ["a { &:hover { color: red } }", "@layer x { a { color: red; b { color: blue } } }"])
def test_a_nested_rule_is_found(text):
    assert nested(text)
    assert not nested("@layer x { a { color: red } @media print { b { color: blue } } }")
