// What Khronos' validator finds in GLB files: TOOLS=FOLDER node in_khronos.mjs OUT.json FILE...
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { validateBytes } = createRequire(process.env.TOOLS + "/")("gltf-validator");
const [out, ...paths] = process.argv.slice(2);
const found = {};
for (const path of paths) {
  try {
    const { issues } = await validateBytes(new Uint8Array(readFileSync(path)));
    const { numErrors, numWarnings, messages } = issues;
    found[path] = { issues: numErrors + numWarnings, messages: messages.slice(0, 5).map((m) => m.code) };
  } catch (failure) {
    found[path] = { error: String(failure) };
  }
}
writeFileSync(out, JSON.stringify(found));
