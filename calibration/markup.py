"""What the report's page is made of: escaped text, a stylesheet, and shapes. No script, nothing from elsewhere."""

import html
import unicodedata
from collections.abc import Iterable

# The browser fetches nothing and runs nothing, whatever a room or a receiver is called.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --panel: #f5f7f9; --ink: #18212b; --quiet: #5a6775;
  --line: #dbe1e7; --before: #aab5c1; --after: #0b8577; --guess: #d9b36a; --floor: #fbfcfd;
  --green: #1d7f45; --amber: #9a5b00; --red: #b3261e; --pass: #e4f3ea; --weak: #fbf0dc; --fail: #fbe6e4; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e141b; --panel: #161e27; --ink: #e3e9f0; --quiet: #98a6b5;
  --line: #2a3542; --before: #67768a; --after: #3cc7b4; --guess: #b08d45; --floor: #121a22;
  --green: #5fc98a; --amber: #e5ab4f; --red: #f0857c; --pass: #12291d; --weak: #2d2410; --fail: #331a18; } }
@media print { :root { color-scheme: light; --ground: #ffffff; --panel: #f5f7f9; --ink: #18212b; --quiet: #5a6775;
  --line: #dbe1e7; --before: #aab5c1; --after: #0b8577; --guess: #d9b36a; --floor: #fbfcfd;
  --green: #1d7f45; --amber: #9a5b00; --red: #b3261e; --pass: #e4f3ea; --weak: #fbf0dc; --fail: #fbe6e4; } }
* { box-sizing: border-box; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.15rem; margin: 3rem 0 0.35rem; font-weight: 650; }
h3 { font-size: 0.95rem; margin: 1.4rem 0 0.3rem; font-weight: 650; }
p { margin: 0.35rem 0 0.9rem; max-width: 44rem; }
.quiet, figcaption, .why { color: var(--quiet); }
.when { color: var(--quiet); margin: 0.25rem 0 1.5rem; max-width: none; }
.badge { display: inline-block; border: 1px solid var(--line); border-radius: 99px; padding: 0 0.6rem;
  font-size: 0.8rem; color: var(--quiet); margin-left: 0.4rem; vertical-align: middle; white-space: nowrap; }
.simulated { color: var(--amber); border-color: currentColor; }
.verdict { border-radius: 14px; padding: 1.3rem 1.5rem; margin: 0 0 1rem; }
.verdict p { margin: 0.3rem 0 0; max-width: none; }
.verdict strong { font-size: 1.35rem; line-height: 1.3; font-weight: 650; display: block; }
.verdict.pass { background: var(--pass); } .verdict.weak { background: var(--weak); }
.verdict.fail { background: var(--fail); }
.pass .word { color: var(--green); } .weak .word { color: var(--amber); } .fail .word { color: var(--red); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; margin: 0; }
.tiles div { background: var(--panel); border-radius: 12px; padding: 0.85rem 1rem; }
.tiles dt { color: var(--quiet); font-size: 0.82rem; }
.tiles dd { margin: 0.1rem 0 0; font-size: 1.35rem; font-weight: 620;
  font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--quiet);
  line-height: 1.35; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 500; text-align: left; color: var(--quiet); font-size: 0.82rem; }
th, td { padding: 0.42rem 0.75rem 0.42rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
td:last-child, th:last-child { padding-right: 0; }
tbody th { color: var(--ink); font-size: 0.92rem; }
.number { text-align: right; white-space: nowrap; }
.why { font-size: 0.82rem; line-height: 1.4; display: block; }
.errors { table-layout: fixed; min-width: 32rem; }
.errors td, .errors th { border: 0; padding: 0.16rem 0.75rem 0.16rem 0; vertical-align: middle; }
.errors tbody tr:first-child th { padding-top: 1.1rem; font-weight: 620; overflow-wrap: normal; }
.errors th .why { font-weight: 400; }
.errors .name { width: 14.5rem; } .errors .number { width: 6.5rem; }
.errors .ours { font-weight: 620; }
.bar { display: block; width: 100%; height: 0.85rem; }
.bar rect, .key { fill: var(--guess); background: var(--guess); }
.bar .before, .key.before { fill: var(--before); background: var(--before); }
.bar .after, .key.after { fill: var(--after); background: var(--after); }
.key { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 3px; margin: 0 0.35rem 0 0.9rem; }
.key:first-child { margin-left: 0; }
.grade { display: inline-flex; align-items: center; gap: 0.35rem; font-size: 0.85rem; white-space: nowrap; }
.grade svg { width: 0.72rem; height: 0.72rem; flex: none; }
.green { color: var(--green); } .amber { color: var(--amber); } .red { color: var(--red); }
.todo { padding-left: 1.2rem; margin: 0.4rem 0 1rem; } .todo li { margin: 0.3rem 0; }
figure { margin: 0.8rem 0 1.2rem; } figcaption { font-size: 0.85rem; margin-top: 0.4rem; max-width: 44rem; }
svg text { fill: var(--quiet); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.plan { display: block; max-width: 100%; height: auto; }
.plan .floor { fill: var(--floor); stroke: var(--quiet); stroke-width: 1.5; }
.plan .grid { stroke: var(--line); stroke-width: 1; } .plan .link { stroke: var(--quiet); stroke-dasharray: 3 5; }
.plan .radio { fill: var(--ink); } .plan .name { fill: var(--ink); font-weight: 600; }
.plan .spot { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.plan .before { stroke: var(--before); fill: var(--before); }
.plan .after { stroke: var(--after); fill: var(--after); }
.plan line { stroke-width: 1.25; } .plan line.before, .plan line.after { opacity: 0.6; }
.doppler { display: block; width: 100%; height: auto; }
.doppler .stand { fill: var(--before); } .doppler .walk { fill: var(--after); } .doppler .sit { fill: var(--guess); }
.doppler .empty { fill: none; stroke: var(--before); } .doppler .axis { stroke: var(--line); }
.facts th { width: 13rem; }
.links { table-layout: fixed; min-width: 34rem; }
.links tr > :first-child { width: 9.5rem; }
th { overflow-wrap: normal; }
@media (max-width: 36rem) { main { padding: 1.5rem 1rem 3rem; } .verdict { padding: 1rem 1.1rem; }
  .errors { min-width: 0; font-size: 0.85rem; } .errors .name { width: 7.2rem; } .errors .number { width: 5.2rem; }
  .facts th { width: 8rem; } }
@media print { main { max-width: none; padding: 0; } body { font-size: 10.5pt; } h2 { margin-top: 1.6rem; }
  section > figure, .tiles, .verdict, tbody tr, .errors tbody { break-inside: avoid; } h2, h3 { break-after: avoid; }
  @page { margin: 16mm; } }
"""


def text(value: object) -> str:
    """Anything as text that can stand anywhere in the page. Control characters and overrides of direction are shown."""
    shown = "".join(
        "\ufffd" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") and sign != "\n" else sign
        for sign in str(value)
    )
    return html.escape(shown, quote=True)


def page(title: str, body: Iterable[str]) -> str:
    """A whole file. title is text; body is markup."""
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *body: str) -> str:
    """A heading and what belongs to it."""
    return f"<section>\n<h2>{text(title)}</h2>\n" + "\n".join(body) + "\n</section>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and what is known; both are text."""
    lines = "\n".join(f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>' for name, value in rows)
    return f'<table class="facts"><tbody>\n{lines}\n</tbody></table>'


def tiles(entries: Iterable[tuple[str, str, str]]) -> str:
    """Few large figures: name, figure and a line of what it means; all are text."""
    lines = "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(figure)} <small>{text(note)}</small></dd></div>"
        for name, figure, note in entries
    )
    return f'<dl class="tiles">\n{lines}\n</dl>'


def bar(share: float, kind: str) -> str:
    """A bar that fills a share of its cell."""
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" width="{width:.2f}" height="10" rx="0.6"/></svg>'
    )


# A grade has a shape as well as a colour: not everybody sees both.
SHAPES = {
    "green": '<circle cx="5" cy="5" r="4.6" fill="currentColor"/>',
    "amber": '<path d="M5 0.4 9.8 9.4H0.2Z" fill="currentColor"/>',
    "red": '<path d="M0.6 0.6h8.8v8.8H0.6Z" fill="currentColor"/>',
}
WORDS = {"green": "good", "amber": "could be better", "red": "too bad"}


def grade(name: str, word: str | None = None) -> str:
    """A grade's shape and word."""
    return (
        f'<span class="grade {name}"><svg viewBox="0 0 10 10" aria-hidden="true">{SHAPES[name]}</svg>'
        f"{text(word or WORDS[name])}</span>"
    )
