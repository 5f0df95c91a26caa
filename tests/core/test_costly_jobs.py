"""An edit trains anew, or asks teachers again, only where that is meant."""

import json

from costly_jobs import ACCEPTED, costly_jobs


def test_no_edit_trains_or_asks_anew_unawares():
    accepted, found = json.loads(ACCEPTED.read_text()), costly_jobs()
    assert found.keys() == accepted.keys()
    changed = [job for job, sha256 in found.items() if sha256 != accepted[job]]
    assert not changed, (
        "this edit makes users' finished runs do these jobs again: take it back, or say so in CHANGELOG.md and run "
        "`PYTHONPATH=workflow/scripts python tests/helpers/costly_jobs.py`"
    )
