"""Pulls all versions of a collection with taxii2-client and compares with files.

Usage: attack.py COLLECTION-URL USER PASSWORD FILE...
"""
import gzip
import json
import sys

from taxii2client.v21 import Collection, as_pages

url, user, password, *files = sys.argv[1:]


def version(o):
    """The object's id and the moment of its version, however it is written."""
    return o["id"], o.get("modified", o.get("created")).replace(".000Z", "Z")


want = {}
for name in files:
    with gzip.open(name) as f:
        for o in json.load(f)["objects"]:
            want.setdefault(version(o), o)

got = {}
for page in as_pages(Collection(url, user=user, password=password).get_objects, per_request=100, version="all"):
    for o in page.get("objects", []):
        key = version(o)
        if key in got:
            sys.exit(f"{key} is there twice")
        got[key] = o
if got != want:
    sys.exit(f"got {len(got)} objects, want {len(want)}; missing {list(want.keys() - got.keys())[:5]}, other {[k for k in got if got[k] != want.get(k)][:5]}")
print(len(got))
