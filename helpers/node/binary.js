// Finds the command `d4iot-double`.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const name = process.platform === "win32" ? "d4iot-double.exe" : "d4iot-double";

/** Returns the path of the command: `D4IOT_DOUBLE_BIN`, then that of this system's package, then that on `PATH`. */
export function findBinary() {
  const chosen = process.env.D4IOT_DOUBLE_BIN;
  if (chosen) {
    if (!isFile(chosen)) throw new Error(`D4IOT_DOUBLE_BIN names no file that can be run: ${chosen}`);
    return chosen;
  }
  const wanted = `@d4iot/double-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${wanted}/bin/${name}`);
  } catch {
    // An optional dependency: there is none for this system, or it was left out.
  }
  // The launcher of this package may be on PATH under the same name, and would find itself.
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder && !folder.endsWith(join("node_modules", ".bin")));
  const found = folders.map((folder) => join(folder, name)).find(isFile);
  if (!found) throw new Error(`no package ${wanted}, and no ${name} on PATH; D4IOT_DOUBLE_BIN can name it`);
  return found;
}

function isFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
