"""Page image -> text lines with baseline, polygon and reading order, and their crops."""
