"""The legal texts as pages: headings of the right rank, the city's own words put in."""

import re

from markupsafe import Markup

from consult.html import escape_markdown, render_markdown
from consult.site.models import Site


def as_page(markdown: str) -> Markup:
    """Safe HTML whose headings begin at h2: these texts stand directly below the page's h1."""
    html = render_markdown(markdown)
    return Markup(re.sub(r"<(/?)h([3-6])>", lambda m: f"<{m[1]}h{int(m[2]) - 1}>", html))  # noqa: S704  (sanitised)


def fill_in(markdown: str, site: Site, platform_name: str, contact_page: str) -> str:
    """Put the instance's names into `{city}`, `{platform}`, `{contact}` and `{contact_page}`; leave other braces."""
    values = {
        "{city}": escape_markdown(site.city_name) if site.city_name else "…",
        "{platform}": escape_markdown(platform_name),
        "{contact}": escape_markdown(site.contact_email or site.reply_to) or "…",
        "{contact_page}": contact_page,
    }
    for name, value in values.items():
        markdown = markdown.replace(name, value)
    return markdown
