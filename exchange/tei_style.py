"""How browsers show TEI as a text to read, instead of a tree of elements.

The rules are in the file itself, so that they stay with it; programs that edit TEI look past them.
"""

from __future__ import annotations

from base64 import b64encode

CSS = """@namespace url(http://www.tei-c.org/ns/1.0);
TEI { display: block; font: 18px/1.6 Georgia, serif; color: #21262b; background: #f7f5f0; }
teiHeader, facsimile { display: none; }
text { display: block; max-width: 46em; margin: 2em auto; padding: 2em 3em 2em 5em;
  background: #fff; }
pb { display: block; border-top: 1px solid #ccc; margin: 2em 0 1em; color: #5a636c;
  font-size: 14px; }
pb::before { content: "page " attr(n); }
ab { display: block; margin: 0 0 1em; }
ab[type^="heading"] { font-weight: bold; font-size: 120%; }
ab[type^="margin"] { font-size: 85%; color: #5a636c; margin-left: 3em; }
lb { display: block; }
lb::before { content: attr(n); position: absolute; margin-left: -4em; width: 3em;
  text-align: right; font-size: 13px; line-height: 29px; color: #5a636c; }
del { text-decoration: line-through; }
add { vertical-align: super; font-size: 80%; }
unclear { text-decoration: underline wavy #a3470b; }
gap::before { content: "[\\2026]"; color: #a3470b; }
supplied::before { content: "\\27e8"; }
supplied::after { content: "\\27e9"; }
expan::before, corr::before { content: " ["; }
expan::after, corr::after { content: "]"; }
expan, corr { color: #0b625a; }
hi[rend~="bold"] { font-weight: bold; }
hi[rend~="italic"] { font-style: italic; }
hi[rend~="underlined"] { text-decoration: underline; }
hi[rend~="superscript"] { vertical-align: super; font-size: 80%; }
hi[rend~="subscript"] { vertical-align: sub; font-size: 80%; }
persName, placeName, orgName, date { border-bottom: 1px dotted #0b625a; }
"""
STYLE = f'type="text/css" href="data:text/css;base64,{b64encode(CSS.encode()).decode()}"'
