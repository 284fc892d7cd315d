"""One module per format of tracks; each begins with what the format holds and how.

Every module ends in its ``FORMAT``. ``docs/formats.md`` has the table.
"""

from napari_cotracker.io.codecs import (
    coco,
    dlc,
    dlc_labels,
    geff_graph,
    napari_csv,
    nwb,
    own_csv,
    own_json,
    sleap_analysis,
    sleap_csv,
    slp,
    trackmate,
    trackmate_csv,
    trackpy_csv,
)

# In the order in which a person is offered them.
BUILT_IN = (
    own_csv.FORMAT,
    own_json.FORMAT,
    napari_csv.FORMAT,
    dlc.FORMAT,
    dlc_labels.FORMAT,
    slp.FORMAT,
    sleap_analysis.FORMAT,
    sleap_csv.FORMAT,
    nwb.FORMAT,
    coco.FORMAT,
    trackmate.FORMAT,
    trackmate_csv.FORMAT,
    trackpy_csv.FORMAT,
    geff_graph.FORMAT,
)
