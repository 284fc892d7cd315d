"""How many clicks a person needs until every label is right.

Map: ``annotator`` is the simulated person, ``followers`` are what puts points between
the clicks, ``flow`` moves points along optical flow, ``report`` lays out the table.
"""
