// With the extensions that imports of Node.js have.
export default {
  input: "openapi.json",
  output: { path: "sdk", module: { extension: ".js" } },
};
