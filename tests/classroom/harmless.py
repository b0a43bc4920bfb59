"""What a student may write to make a browser do something, and how a page is searched for it."""

import re

ATTACKS = [
    "<script>steal()</script>",
    "<img src=x onerror=steal()>",
    '<a href="javascript:steal()">x</a>',
    "[x](javascript:steal())",
    '<iframe src="https://example.org"></iframe>',
    '<img src="https://example.org/who-reads-this.png">',
    '<img src="//example.org/who-reads-this.png">',
    "<svg onload=steal()></svg>",
    '<form action="/formgrader/api"><input name=x></form>',
    '<a href="data:text/html,<script>steal()</script>">x</a>',
    "<style>body{display:none}</style>",
    r"$\text{<img src=x onerror=steal()>}$",
    r"$\href{javascript:steal()}{x}$",
    r"$$\style{position:fixed}{x}$$",
    r"\begin{equation}\class{steal}{x}\end{equation}",
    "\ue0000\ue001 and \ue00199\ue001",
    "<math><mtext><img src=x onerror=steal()></mtext></math>",
]


def harmful(page, tags):
    """Return what a browser would run or load in a page of BeautifulSoup's; `tags` are harmless."""
    found = [f"<{element.name}>" for element in page.find_all(True) if element.name not in tags]
    for element in page.find_all(True):
        for name, value in element.attrs.items():
            runs = name.startswith("on") or name == "style"
            loads = name == "src" and re.search("^//|http", value)
            leads = name == "href" and not re.match("#|https?:|mailto:", value)
            if runs or loads or leads:
                found.append(f"{name}={value!r}")
    return found
