// Calls the app with the types of openapi-typescript.
import createClient from "openapi-fetch";
import type { components, paths } from "./types.js";
import { equal } from "./equal.js";

const baseUrl = process.argv[2];
if (baseUrl === undefined) throw new Error("expected the address of the app");
const client = createClient<paths>({ baseUrl });

const order: components["schemas"]["document.everything.Order-Input"] = {
  name: "chair",
  shape: { kind: "circle", radius: 2 },
};
const ordered = await client.POST("/orders", { body: order });
equal(ordered.data?.size, "small");
equal(ordered.data?.shape, { kind: "circle", radius: 2 });

const unknown = await client.POST("/orders", { body: { ...order, name: "unknown" } });
equal(unknown.error, { detail: "there is no item unknown" });
const busy = await client.POST("/orders", { body: { ...order, name: "busy" } });
equal([busy.response.status, busy.response.headers.get("retry-after")], [429, "7"]);

const found = await client.GET("/search", {
  params: { query: { text: "oak", tag: ["a", "b"], page: 1 }, header: { "x-tenant": "t" } },
});
equal(found.data, { items: ["oak a t", "oak b t"], next: 2 });

const removed = await client.DELETE("/orders/{number}", {
  params: { path: { number: 7 } },
  headers: { authorization: "Bearer secret" },
});
equal(removed.data, "ada");

// Its types know form data as texts; a serializer makes it.
const uploaded = await client.POST("/upload", {
  body: { title: "a chair", picture: "12345" },
  bodySerializer: body => {
    const form = new FormData();
    for (const [name, value] of Object.entries(body)) form.append(name, value);
    return form;
  },
});
equal(uploaded.data, ["title  7", "picture  5"]);

const put = await client.PUT("/orders/{number}", { params: { path: { number: 7 } }, body: { shelf: 1 } });
equal(put.data, { shelf: 8 });
