"""The app of `fastapi.rs` in FastAPI. Sends the same requests to both, and prints each one that they answer differently:

    python fastapi_app.py http://127.0.0.1:PORT

A line is JSON: the name of the request, and both answers. An answer is the status, and the type, the location and the message of each error.
"""

import json
import sys
import warnings
from enum import Enum
from typing import Annotated, Literal, Union

warnings.simplefilter("ignore")

import httpx
from fastapi import Body, Cookie, FastAPI, Header, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI()

Byte = Annotated[int, Field(ge=0, le=255)]
Word = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Size(str, Enum):
    small = "small"
    large = "large"


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: Byte


class Box(BaseModel):
    kind: Literal["box"]
    width: Byte
    height: Byte


class Line(BaseModel):
    item: str
    amount: Byte = 1


class Order(BaseModel):
    name: str
    count: Byte
    price: float = 0.0
    is_paid: bool = False
    tags: list[str] = []
    lines: list[Line] = []
    counts: dict[str, int] = {}
    pair: tuple[int, bool] | None = None
    size: Size = Size.small
    parent: "Order | None" = None
    shape: Annotated[Union[Circle, Box], Field(discriminator="kind")] | None = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    line: Line | None = None


class Search(BaseModel):
    text: str
    limit: Word | None = None
    is_deep: bool = False
    tag: list[str] = []
    size: Size = Size.small
    near: float | None = None


class Caller(BaseModel):
    x_tenant: Word


class Session(BaseModel):
    visits: Word


@app.post("/order")
def order(order: Order) -> str:
    return order.name


@app.post("/optional")
def optional(order: Order | None = None) -> bool:
    return order is not None


@app.post("/closed")
def closed(closed: Closed) -> str:
    return closed.name


@app.post("/number")
def number(number: Annotated[Byte, Body()]) -> int:
    return number


@app.post("/list")
def numbers(numbers: list[Byte]) -> int:
    return len(numbers)


@app.get("/items/{id}")
def item(id: Word) -> int:
    return id


@app.get("/pairs/{group}/{flag}")
def pair(group: str, flag: bool) -> str:
    return group


@app.get("/search")
def search(query: Annotated[Search, Query()]) -> str:
    return query.text


@app.get("/caller")
def caller(headers: Annotated[Caller, Header()]) -> int:
    return headers.x_tenant


@app.get("/session")
def session(cookies: Annotated[Session, Cookie()]) -> int:
    return cookies.visits


def order_with(**fields):
    return json.dumps({"name": "a", "count": 1} | fields)


JSON = {"content-type": "application/json"}


def post(path, body, headers=JSON):
    return "POST", path, headers, body


def get(path, headers={}):
    return "GET", path, headers, None


REQUESTS = {
    "a valid order": post("/order", order_with()),
    "every field": post(
        "/order",
        order_with(
            price=1.5,
            is_paid=True,
            tags=["a"],
            lines=[{"item": "a", "amount": 2}],
            counts={"a": -1},
            pair=[1, True],
            size="large",
            parent={"name": "b", "count": 2},
            shape={"kind": "circle", "radius": 1},
        ),
    ),
    "an unknown field": post("/order", order_with(other=1)),
    "no fields": post("/order", "{}"),
    "a list for a struct": post("/order", "[]"),
    "null for a struct": post("/order", "null"),
    "a text for a struct": post("/order", '"a"'),
    "no body": post("/order", ""),
    "malformed JSON": post("/order", '{"name": }'),
    "JSON that ends early": post("/order", '{"name": "a"'),
    "two values": post("/order", "{} {}"),
    "an integer for a text": post("/order", order_with(name=1)),
    "null for a text": post("/order", order_with(name=None)),
    "a text for an integer": post("/order", order_with(count="x")),
    "digits for an integer": post("/order", order_with(count="7")),
    "a fraction for an integer": post("/order", order_with(count=1.5)),
    "a whole float for an integer": post("/order", order_with(count=1.0)),
    "true for an integer": post("/order", order_with(count=True)),
    "null for an integer": post("/order", order_with(count=None)),
    "a list for an integer": post("/order", order_with(count=[])),
    "an integer below its range": post("/order", order_with(count=-1)),
    "an integer above its range": post("/order", order_with(count=256)),
    "an integer far above its range": post("/order", order_with(count=10**30)),
    "a text for a float": post("/order", order_with(price="x")),
    "an integer for a float": post("/order", order_with(price=1)),
    "true for a float": post("/order", order_with(price=True)),
    "a text for a boolean": post("/order", order_with(is_paid="x")),
    "yes for a boolean": post("/order", order_with(is_paid="yes")),
    "1 for a boolean": post("/order", order_with(is_paid=1)),
    "7 for a boolean": post("/order", order_with(is_paid=7)),
    "null for a boolean": post("/order", order_with(is_paid=None)),
    "an object for a list": post("/order", order_with(tags={})),
    "an integer in a list of texts": post("/order", order_with(tags=["a", 1])),
    "a field is missing in a list": post("/order", order_with(lines=[{"item": "a"}, {}])),
    "a text in a list of structs": post("/order", order_with(lines=["a"])),
    "a list for a map": post("/order", order_with(counts=[])),
    "a text in a map": post("/order", order_with(counts={"a": 1, "b": "x"})),
    "a text in a tuple": post("/order", order_with(pair=["x", True])),
    "a short tuple": post("/order", order_with(pair=[1])),
    "a long tuple": post("/order", order_with(pair=[1, True, 3])),
    "an unknown variant": post("/order", order_with(size="huge")),
    "an integer for a variant": post("/order", order_with(size=1)),
    "an error in a nested struct": post("/order", order_with(parent={"name": "b"})),
    "an integer for an optional struct": post("/order", order_with(parent=1)),
    "an error in a tagged struct": post("/order", order_with(shape={"kind": "circle", "radius": "x"})),
    "a field is missing in a tagged struct": post("/order", order_with(shape={"kind": "box", "width": 1})),
    "an unknown tag": post("/order", order_with(shape={"kind": "oval"})),
    "no tag": post("/order", order_with(shape={})),
    "two errors": post("/order", '{"count": "x"}'),
    "five errors": post("/order", order_with(count=-1, price="x", tags=[1, 2], lines=[{}])),
    "no optional body": post("/optional", ""),
    "null for an optional body": post("/optional", "null"),
    "an error in an optional body": post("/optional", "{}"),
    "a field that is not allowed": post("/closed", '{"name": "a", "other": 1}'),
    "a field that is not allowed, and one is missing": post("/closed", '{"other": 1}'),
    "a number as the body": post("/number", "7"),
    "a number out of range as the body": post("/number", "256"),
    "a text for a number as the body": post("/number", '"x"'),
    "a list as the body": post("/list", "[1, 2]"),
    "an error in a list as the body": post("/list", '[1, "x", 300]'),
    "an object for a list as the body": post("/list", "{}"),
    "JSON with a charset": post("/list", "[1]", {"content-type": "application/json; charset=utf-8"}),
    "JSON of another media type": post("/list", "[1]", {"content-type": "application/problem+json"}),
    "text": post("/list", "[1]", {"content-type": "text/plain"}),
    "no media type": post("/list", "[1]", {}),
    "a path parameter": get("/items/7"),
    "a text for an integer in the path": get("/items/x"),
    "a negative integer in the path": get("/items/-1"),
    "an integer out of range in the path": get("/items/4294967296"),
    "an encoded slash in the path": get("/pairs/a%20b/true"),
    "a text for a boolean in the path": get("/pairs/a/maybe"),
    "off for a boolean in the path": get("/pairs/a/OFF"),
    "a query": get("/search?text=a&limit=7&is_deep=on&tag=a&tag=b&size=large&near=1.5"),
    "a missing query parameter": get("/search"),
    "an empty query parameter": get("/search?text="),
    "an unknown query parameter": get("/search?text=a&other=1"),
    "a text for an integer in the query": get("/search?text=a&limit=x"),
    "an empty integer in the query": get("/search?text=a&limit="),
    "a text for a boolean in the query": get("/search?text=a&is_deep=maybe"),
    "a text for a float in the query": get("/search?text=a&near=x"),
    "an unknown variant in the query": get("/search?text=a&size=huge"),
    "a query parameter twice": get("/search?text=a&text=b"),
    "two errors in the query": get("/search?limit=x"),
    "a header": get("/caller", {"x-tenant": "7"}),
    "a missing header": get("/caller"),
    "a text for an integer in a header": get("/caller", {"x-tenant": "x"}),
    "a cookie": get("/session", {"cookie": "visits=7"}),
    "a missing cookie": get("/session"),
    "a text for an integer in a cookie": get("/session", {"cookie": "visits=x"}),
    "an unknown path": get("/nowhere"),
    "another method": get("/order"),
    "a trailing slash": post("/order/", order_with()),
}


def answer(client, request):
    method, path, headers, content = request
    response = client.request(method, path, headers=headers, content=content, follow_redirects=False)
    errors = response.json().get("detail") if response.status_code == 422 else None
    errors = [[error["type"], error["loc"], error["msg"]] for error in errors or []]
    return [response.status_code, sorted(errors, key=json.dumps)]


with httpx.Client(base_url=sys.argv[1]) as ours, TestClient(app, raise_server_exceptions=False) as theirs:
    for name, request in REQUESTS.items():
        own, other = answer(ours, request), answer(theirs, request)
        if own != other:
            print(json.dumps([name, own, other]), flush=True)
print(json.dumps(["requests", len(REQUESTS)]))
