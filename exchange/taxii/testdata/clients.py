"""Drives a TAXII 2.1 server with taxii2-client and with stix2's source and sink.

Usage: clients.py DISCOVERY USER PASSWORD COLLECTION
Prints nothing and exits with 0 when all answers are right.
"""
import json
import sys

import stix2
from taxii2client.exceptions import AccessError
from taxii2client.v21 import ApiRoot, Server, as_pages

discovery, user, password, collection_id = sys.argv[1:]


def equal(got, want, what):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


server = Server(discovery, user=user, password=password)
equal([root.title for root in server.api_roots], ["default"], "API roots")
root = server.default
equal(root.versions, ["application/taxii+json;version=2.1"], "versions")
collections = {c.id: c for c in root.collections}
collection = collections[collection_id]
equal((collection.can_read, collection.can_write), (True, True), "rights")
equal(collection.get_objects(), {}, "an empty collection")

made = [stix2.v21.Identity(name=str(n), identity_class="group") for n in range(10)]
status = collection.add_objects({"objects": [json.loads(o.serialize()) for o in made]})
equal((status.status, status.success_count, status.failure_count), ("complete", 10, 0), "status")
status.refresh()
equal(status.total_count, 10, "status asked for again")

pages = [page["objects"] for page in as_pages(collection.get_objects, per_request=3)]
equal([len(page) for page in pages], [3, 3, 3, 1], "pages")
equal([o["id"] for page in pages for o in page], [o.id for o in made], "order")
pages = list(as_pages(collection.get_manifest, per_request=4))
equal(sum(len(page["objects"]) for page in pages), 10, "manifest")
added = pages[0]["objects"][3]["date_added"]
equal(len(collection.get_objects(added_after=added)["objects"]), 6, "added_after")
equal(collection.get_objects(id=made[2].id)["objects"][0]["name"], "2", "match[id]")
equal(collection.get_objects(type="malware"), {}, "match[type]")
equal(len(collection.get_objects(type=["malware", "identity"], spec_version="2.1")["objects"]), 10, "matches")

# The source and the sink of stix2, which sends bundles.
sink = stix2.TAXIICollectionSink(collection)
source = stix2.TAXIICollectionSource(collection, items_per_page=4)
newer = made[0].new_version(name="new")
sink.add([newer, stix2.v21.Malware(name="worm", is_family=False)])
equal(source.get(newer.id).name, "new", "source.get")
equal(sorted(o.name for o in source.all_versions(newer.id)), ["0", "new"], "source.all_versions")
equal(source.get("identity--00000000-0000-4000-8000-000000000000"), None, "source.get of what is not there")
equal([o.name for o in source.query([stix2.Filter("type", "=", "malware")])], ["worm"], "source.query")
equal(len(source.query()), 11, "source.query of all")
equal(len(collection.object_versions(newer.id)["versions"]), 2, "versions")
equal(len(collection.get_object(newer.id, version="all")["objects"]), 2, "get_object of all versions")

collection.delete_object(made[1].id)
equal(source.get(made[1].id), None, "what was deleted")

try:
    collections["22222222-2222-4222-8222-222222222222"].add_objects({"objects": []})
    sys.exit("read-only: objects are taken")
except AccessError:
    pass
try:
    ApiRoot(root.url, user=user, password="wrong").refresh()
    sys.exit("a wrong password is taken")
except Exception as e:
    if "401" not in str(e):
        raise
