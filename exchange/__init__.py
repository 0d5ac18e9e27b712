"""Exchange: pages in and out of this program, in the formats of the field."""
