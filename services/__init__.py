"""What the running app holds together: settings, storage, the reader of waiting pages."""
