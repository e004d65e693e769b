/** The `edits` of vector files: how a valid value is damaged before it is used. */
import { concatBytes } from "../../../main/protocol/bytes.ts";
import type { Input } from "../harness.ts";
import { hex } from "./inputs.ts";

/** `bytes` after the edits, in order, that name `target`; edits without a target apply to whatever is edited. */
export function applyEdits(bytes: Uint8Array, edits: readonly Input[] = [], target?: string): Uint8Array {
  return edits.filter((edit) => edit.target === target).reduce<Uint8Array>(applyEdit, bytes);
}

function applyEdit(bytes: Uint8Array, edit: Input): Uint8Array {
  const edited = bytes.slice();
  if ("truncate" in edit) return edited.slice(0, edit.truncate);
  if ("append" in edit) return concatBytes(edited, hex(edit.append));
  if ("fill" in edit) return edited.fill(edit.fill);
  if ("xor" in edit) edited[edit.offset]! ^= edit.xor;
  else if ("set" in edit) edited.set(hex(edit.set), edit.offset);
  else throw new Error(`unknown edit: ${JSON.stringify(edit)}`);
  return edited;
}
