"""Handwritten pages that the project draws itself: for the example, for tests, for training.

Modules in the order in which a drawn page meets them: `text` and `letter` choose the words,
`font` and `hand` write them, `warp` bends lines and sheet, `paper` lies underneath, `page` and
`line` put all together, `example` is the page of the "Try an example" button.
"""
