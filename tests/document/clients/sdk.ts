// Calls the app with the functions of @hey-api/openapi-ts.
import { client } from "./sdk/client.gen.js";
import { numbers, order, remove, search, upload } from "./sdk/sdk.gen.js";
import { equal } from "./equal.js";

const baseUrl = process.argv[2];
if (baseUrl === undefined) throw new Error("expected the address of the app");
client.setConfig({ baseUrl, auth: "secret" });

const ordered = await order({ body: { name: "chair", shape: { kind: "point" } } });
equal(ordered.data?.size, "small");
const found = await search({ query: { text: "oak", tag: ["a", "b"] }, headers: { "x-tenant": "t" } });
equal(found.data, { items: ["oak a t", "oak b t"], next: null });
const removed = await remove({ path: { number: 7 } });
equal(removed.data, "ada");
const picture = new File(["12345"], "chair.png");
const uploaded = await upload({ body: { picture } });
equal(uploaded.data, ["picture chair.png 5"]);
const invalid = await numbers({ body: { byte: 300 } as never });
equal(invalid.response?.status, 422);
