"""Our own compact network, trained by us on our own synthetic video.

Map: ``scenes/`` renders clips with exact truth, ``options`` names the stages,
``batches`` turns clips into queries and targets, ``matching`` and ``windows`` are the
two training objectives, ``unlabelled`` and ``teacher`` make batches of real recordings,
``loop`` runs them with checkpoints, ``validation`` measures,
``export`` writes the weights and their card, ``run`` is the command line.
"""
