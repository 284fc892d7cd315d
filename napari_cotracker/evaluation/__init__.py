"""How right the tracks are, on recordings with labels and on generated scenes.

Map: ``labelled`` reads a folder with a recording and its labels, ``protocol`` makes
queries and targets of them, ``baselines`` are what a user has anyway, ``run`` puts
them in one table. ``dense`` scores scenes whose truth is known everywhere,
``dense_report`` gathers splits of them.
"""
