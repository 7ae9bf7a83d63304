"""Calls the app with the packages of openapi-python-client and datamodel-code-generator."""

import io
import json
import sys
import urllib.request

from everything_client import AuthenticatedClient
from everything_client.api.default import order, remove, search, upload
from everything_client.models import DocumentEverythingOrderInput, UploadBody
from everything_client.types import File
from models.document.everything import OrderOutput

(address,) = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token="secret")

body = DocumentEverythingOrderInput.from_dict({"name": "chair", "shape": {"kind": "circle", "radius": 2}})
ordered = order.sync(client=client, body=body)
assert ordered.name == "chair" and ordered.size == "small", ordered
found = search.sync(client=client, text="oak", tag=["a", "b"], page=1, x_tenant="t")
assert found.items == ["oak a t", "oak b t"] and found.next_ == 2, found
assert remove.sync(7, client=client) == "ada"
form = UploadBody()
form["title"] = File(payload=io.BytesIO(b"a chair"))
form["picture"] = File(payload=io.BytesIO(b"12345"), file_name="chair.png", mime_type="image/png")
uploaded = upload.sync(client=client, body=form)
assert uploaded == ["title  7", "picture chair.png 5"], uploaded

request = urllib.request.Request(address + "/orders", data=json.dumps(body.to_dict()).encode())
request.add_header("content-type", "application/json")
with urllib.request.urlopen(request) as response:
    model = OrderOutput.model_validate_json(response.read())
assert model.name == "chair" and model.tags == [], model
