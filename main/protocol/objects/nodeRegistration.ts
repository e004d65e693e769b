/** NodeRegistration, the control object by which a candidate asks for entry (chapter 05 §3.1). */
import { accountId, hash32, publicKey, signature, struct, typeByte, u16, u64, type Infer } from "../codec/codec.ts";
import { SignedClass } from "./signed.ts";

export const TYPE_NODE_REGISTRATION = 0x11;

const nodeRegistrationLayout = struct({
  type: typeByte(TYPE_NODE_REGISTRATION),
  suiteId: u16,
  nodePubkey: publicKey,
  operatorAccountId: accountId,
  /** Last value of the candidate chain. */
  proofEndpoint: hash32,
  /** Window that seeds the candidate chain. */
  wStart: u64,
  /** Length of the candidate chain in windows. */
  vdfChainLength: u64,
  signature,
});
/** 5,344 bytes, signed by the node key that it names. */
export type NodeRegistration = Infer<typeof nodeRegistrationLayout>;
export const nodeRegistration = new SignedClass<NodeRegistration>("mt-nodereg", nodeRegistrationLayout);
