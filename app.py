"""HTR Desk: read, correct and learn handwriting in the browser. `python app.py` starts it."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from services.settings import Settings, SettingsError, read_settings, settings_help


def main(arguments: list[str] | None = None) -> int:
    """Start the app and serve until interrupted; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Settings, from the environment:\n" + settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    # Before torch and OpenCV are loaded: threads that spin while they wait make a busy machine
    # many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return serve(settings)


def serve(settings: Settings) -> int:
    """Serve the app until interrupted; return the exit status."""
    import uvicorn

    from services.services import open_services
    from services.standing_objects import set_standing_objects_aside
    from storage import StorageError
    from ui.app_page import build_app

    try:
        services = open_services(settings)
    except StorageError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        app = build_app(services)
        set_standing_objects_aside()
        print(f"HTR Desk is at http://{_reachable(settings.host)}:{settings.port}", flush=True)
        if settings.host not in ("127.0.0.1", "localhost", "::1") and not settings.users:
            print("Anybody on the network can open it; set HTR_USERS to ask for a password.")
        uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")
    finally:
        services.close()
    return 0


def _reachable(host: str) -> str:
    """Return the host as a browser on this computer has to spell it."""
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main())
