/** Operations of an account chain (chapter 04 §3.3, §3.4): polymorphic, told apart by their first byte and length. */
import {
  accountId,
  hash32,
  publicKey,
  signature,
  struct,
  typeByte,
  u128,
  u16,
  type Codec,
  type FixedCodec,
  type Infer,
} from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";
import { SignedClass } from "./signed.ts";

export const TYPE_TRANSFER = 0x02;
export const TYPE_CHANGE_KEY = 0x03;
export const TYPE_ANCHOR = 0x04;
/** The account-creating transfer; the same byte in both profiles (decision E16). */
export const TYPE_CREATE = 0x0a;

const chainLink = { prevHash: hash32, sender: accountId };

const transferLayout = struct({
  type: typeByte(TYPE_TRANSFER),
  ...chainLink,
  link: accountId,
  amount: u128,
  signature,
});
/** 3,422 bytes: `link` receives `amount` nɈ. */
export type Transfer = Infer<typeof transferLayout>;

const createFields = {
  ...chainLink,
  receiver: accountId,
  suiteId: u16,
  receiverPubkey: publicKey,
  amount: u128,
  signature,
};
const createLayout = struct({ type: typeByte(TYPE_CREATE), ...createFields });
/** 5,376 bytes: a transfer that also inserts the receiver's record. */
export type Create = Infer<typeof createLayout>;

const changeKeyLayout = struct({
  type: typeByte(TYPE_CHANGE_KEY),
  ...chainLink,
  newSuiteId: u16,
  newPubkey: publicKey,
  signature,
});
/** 5,328 bytes, signed by the old key. */
export type ChangeKey = Infer<typeof changeKeyLayout>;

const anchorLayout = struct({ type: typeByte(TYPE_ANCHOR), ...chainLink, appId: hash32, dataHash: hash32, signature });
/** 3,438 bytes: binds `dataHash` to a window. */
export type Anchor = Infer<typeof anchorLayout>;

export type Operation = Transfer | Create | ChangeKey | Anchor;

const layouts: ReadonlyMap<number, FixedCodec<Operation>> = new Map<number, FixedCodec<Operation>>([
  [TYPE_TRANSFER, transferLayout],
  [TYPE_CREATE, createLayout],
  [TYPE_CHANGE_KEY, changeKeyLayout],
  [TYPE_ANCHOR, anchorLayout],
]);

function layoutOf(type: number): FixedCodec<Operation> {
  const layout = layouts.get(type);
  if (layout === undefined) throw new ProtocolError("unknown-type", { type });
  return layout;
}

const textCreateLayout = struct({ type: typeByte(TYPE_TRANSFER), ...createFields });
/**
 * The creating transfer as the text of the protocol has it, "Mode B", told from a transfer by its length alone. No profile
 * accepts it: it is here to show that it is another operation with another identifier (§8, row 1).
 */
export const textCreate = new SignedClass<Infer<typeof textCreateLayout>>("mt-op", textCreateLayout);

/** Reads by the first byte; {@link decodeOperation} is the strict decoder of a whole message. */
const operationLayout: Codec<Operation> = {
  minSize: transferLayout.size,
  write: (writer, value) => layoutOf(value.type).write(writer, value),
  read: (reader) => layoutOf(reader.peek()).read(reader),
};
export const operation = new SignedClass<Operation>("mt-op", operationLayout);

/**
 * Chapter 04 §4.2: first byte and length must match one layout. Throws `ProtocolError("unknown-type")` or
 * `ProtocolError("bad-length")`.
 */
export function decodeOperation(bytes: Uint8Array): Operation {
  const type = bytes[0];
  if (type === undefined) throw new ProtocolError("bad-length", { length: 0 });
  const { size } = layoutOf(type);
  if (bytes.length !== size) throw new ProtocolError("bad-length", { length: bytes.length, expected: size });
  return operation.decode(bytes);
}
