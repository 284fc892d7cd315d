"""Speed and memory as ratios that do not depend on the machine.

``rates`` measures what the machine can do, ``networks`` compares networks with it and
with each other, ``recordings`` times whole runs against frames and points,
``corrections`` what follows a moved point, ``memory`` measures peaks in processes of
their own, ``report`` lays the figures out.
"""
