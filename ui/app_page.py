"""The whole user interface: the rail and every place, as one Gradio app with its web server."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import gradio as gr
from fastapi import FastAPI

from services.services import Services
from services.settings import Settings
from ui.api import add_endpoints
from ui.bin_place import bin_place
from ui.changes_place import changes_place
from ui.desk import desk
from ui.document import document
from ui.library import library
from ui.models_place import models_place
from ui.place import place
from ui.progress_place import progress_place
from ui.report_place import report_place
from ui.routes import SignIn, build_routes
from ui.search_place import search_place
from ui.settings_place import settings_place
from ui.static_files import STATIC, head_html
from ui.train_place import train_place

RAIL = """
<nav class="htr rail" aria-label="Places">
  <div class="mark" aria-hidden="true">H</div>
  <a href="#/" data-rail="library"></a>
  <a href="#/search" data-rail="search"></a>
  <a href="#/progress" data-rail="progress"></a>
  <a href="#/train" data-rail="train"></a>
  <a href="#/models" data-rail="models"></a>
  <a href="#/settings" data-rail="settings"></a>
</nav>
"""
# How often files of programs are looked through, and how old they get.
CACHE_S = (3600, 24 * 3600)
RAIL_SCRIPT = """
const { icon, show } = window.htr;
const places = [
  ["library", t`Library`], ["search", t`Search`], ["progress", t`Progress`], ["train", t`Train`],
  ["models", t`Models`], ["settings", t`Settings`],
];
for (const [name, words] of places) {
  element.querySelector(`[data-rail="${name}"]`).replaceChildren(icon(name), words);
}
t.screen(element);
show();
"""


def build_ui(services: Services) -> gr.Blocks:
    """Return the screens over `services`; nothing is launched."""
    with gr.Blocks(
        title="HTR Desk", analytics_enabled=False, fill_width=True, delete_cache=CACHE_S
    ) as screens:
        place(RAIL, RAIL_SCRIPT)
        library(services)
        document(services)
        bin_place(services)
        desk(services)
        search_place(services)
        progress_place(services)
        train_place(services)
        report_place(services)
        models_place(services)
        changes_place(services)
        settings_place(services)
        add_endpoints(services)
    return screens


def build_app(services: Services) -> FastAPI:
    """Return the web app: the screens at /, images and uploads at /files, sign-in if asked for."""
    app = build_routes(services)
    screens = build_ui(services)
    gr.mount_gradio_app(
        app,
        screens,
        path="/",
        favicon_path=str(STATIC / "favicon.png"),
        footer_links=[],
        run_history=False,
        show_error=False,
        head=head_html(),
        ssr_mode=False,
        max_file_size=services.settings.max_upload_mb * 1_000_000,
        allowed_paths=[str(services.exporter.folder)],
        mcp_server=services.settings.mcp,
    )
    # Gradio looks whether a path is that of an upload only in what it believes to be launched;
    # without it, a program could have any file of this computer read.
    screens.has_launched = True
    users = dict(services.settings.users)
    if screens.mcp_server_obj:
        # The tools ask this app itself; at its own address, whatever name the caller gave it, and
        # signed in as somebody whose password lives as long as the process.
        own = {f"mcp-{secrets.token_hex(8)}": secrets.token_urlsafe(32)} if users else {}
        screens.mcp_server_obj._local_url = own_address(services.settings, own)
        users = {**users, **own}
    if users:
        app.add_middleware(SignIn, users=users)
    return app


def own_address(settings: Settings, user: Mapping[str, str]) -> str:
    """Return where this app reaches itself, with a name and password if there is one."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    signed = "".join(f"{name}:{password}@" for name, password in user.items())
    return f"http://{signed}{shown}:{settings.port}/"
