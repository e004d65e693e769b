/** The parameter block of a network (chapter 02 §3.6): data, never constants in code. */
import { bytes, hash32, publicKey, reserved, struct, u128, u16, u32, u64, u8, type Infer } from "../codec/codec.ts";

const rules = {
  /** SHA-256 iterations per window at genesis. */
  d0: u64,
  reserved: reserved(8),
  tau2Windows: u64,
  emissionMoneta: u128,
  targetZero: hash32,
  confirmationQuorumNum: u8,
  confirmationQuorumDen: u8,
  participationDeadZoneLow: u16,
  participationDeadZoneHigh: u16,
  dAdjustmentRateNum: u16,
  dAdjustmentRateDen: u16,
  vdfEntryWindows: u64,
  selectionInterval: u64,
  admissionDivisor: u64,
  candidateExpiryWindows: u64,
  adaptiveVdfThreshold: u16,
  adaptiveVdfMultiplier: u16,
  pruningIdleWindows: u64,
};

const decree = {
  bootstrapAccountPubkey: publicKey,
  bootstrapNodePubkey: publicKey,
  genesisContentAppId: bytes(32),
  genesisContentDataHash: bytes(32),
};

/** 4094 bytes; committed by the Genesis State Hash. Windows are counts of τ₁, amounts nɈ. */
export const protocolParams = struct({ ...rules, ...decree });
export type ProtocolParams = Infer<typeof protocolParams>;

/**
 * 4106 bytes: the block as the text of the specification has it (difference D-2). No network runs with it; it tells whether
 * a Genesis State Hash from elsewhere was made over that form.
 */
export const specProtocolParams = struct({
  ...rules,
  bootstrapPowDifficulty: u32,
  maxProtocolPayloadBytes: u32,
  maxSfCiphertextBytes: u32,
  ...decree,
});
export type SpecProtocolParams = Infer<typeof specProtocolParams>;
