/** The parameter block of a network (chapter 02 §3.6): data, never constants in code. */
import { bytes, hash32, publicKey, reserved, struct, u128, u16, u64, u8, type Infer } from "../codec/codec.ts";

/** 4094 bytes; committed by the Genesis State Hash. Windows are counts of τ₁, amounts nɈ. */
export const protocolParams = struct({
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
  bootstrapAccountPubkey: publicKey,
  bootstrapNodePubkey: publicKey,
  genesisContentAppId: bytes(32),
  genesisContentDataHash: bytes(32),
});
export type ProtocolParams = Infer<typeof protocolParams>;
