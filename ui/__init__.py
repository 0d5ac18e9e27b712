"""The screens: Gradio blocks, their scripts and styles, and the routes of images and uploads."""
