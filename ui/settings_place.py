"""Settings: how the desk looks in this browser, and what the app runs on."""

from __future__ import annotations

import gradio as gr

import storage
from services.services import Services
from ui.answers import Answer, answers
from ui.static_files import static_text

HTML = """
<section class="htr place" data-place="settings">
  <div class="head"><h1 class="grow">Settings</h1></div>
  <div class="block">
    <h2>This browser</h2>
    <div class="rows">
      <div><label for="htr-theme">Appearance</label>
        <span><select id="htr-theme" data-preference="theme">
          <option value="system">as the system</option><option value="light">light</option>
          <option value="dark">dark</option></select></span></div>
      <div><label for="htr-text-size">Size of the text on the desk</label>
        <span><input id="htr-text-size" type="range" min="18" max="34" step="1" data-preference="textSize_px"
          data-unit="px"> <span data-words="textSize_px"></span></span></div>
      <div><label for="htr-doubt">Mark characters read with less confidence than</label>
        <span><input id="htr-doubt" type="range" min="0" max="0.95" step="0.05" data-preference="doubtBelow">
          <span data-words="doubtBelow"></span></span></div>
    </div>
  </div>
  <div class="block">
    <h2>This app</h2>
    <dl class="rows facts"></dl>
    <p class="soft small">These are set where the app is started; <code>python app.py --help</code> lists them.</p>
  </div>
</section>
"""


def settings_place(services: Services) -> gr.HTML:
    """Return the component of the settings; to be called inside the blocks of the app."""

    @answers
    def facts(data: dict) -> Answer:
        settings = services.settings
        model = storage.current_model(services.store)
        cer = model.scores.get("cer") if model else None
        reads = f"{model.name}" if model else "none"
        if isinstance(cer, int | float):
            reads += f" (misreads {100 * cer:.0f} % of the characters of its test lines)"
        return {
            "facts": [
                ("Model", reads),
                ("Reads on", settings.device),
                ("CPU threads", str(settings.threads)),
                ("Lines are found by", settings.segmentation),
                ("Data folder", str(settings.data_dir)),
                ("Largest upload", f"{settings.max_upload_mb} MB"),
                ("Corrections are signed", settings.author if not settings.users else "by who signs in"),
            ]
        }

    return gr.HTML(
        value=HTML,
        apply_default_css=False,
        js_on_load=static_text("settings.js"),
        server_functions=[facts],
    )
