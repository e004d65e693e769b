/** The network "montana" as it was released (chapter 02 §2.2, §2.3). */
import { fromHex, sized, type Hash32 } from "../bytes.ts";
import { MONTANA_ACCOUNT_KEY, MONTANA_NODE_KEY } from "./montanaKeys.ts";
import type { ProtocolParams } from "./params.ts";
import type { Profile } from "./rules.ts";
import type { GenesisBinding } from "./state.ts";

export const MONTANA_PARAMS: ProtocolParams = {
  d0: 325_000_000n,
  reserved: sized(new Uint8Array(8), 8),
  tau2Windows: 20_160n,
  emissionMoneta: 13_000_000_000n,
  targetZero: hash("23ae240dbfc6049fa4e3230d4a054346d256291ea04cfea8e47bbcafb9073d97"),
  confirmationQuorumNum: 67,
  confirmationQuorumDen: 100,
  participationDeadZoneLow: 85,
  participationDeadZoneHigh: 95,
  dAdjustmentRateNum: 3,
  dAdjustmentRateDen: 100,
  vdfEntryWindows: 20_160n,
  selectionInterval: 336n,
  admissionDivisor: 130n,
  candidateExpiryWindows: 60_480n,
  adaptiveVdfThreshold: 1,
  adaptiveVdfMultiplier: 100,
  pruningIdleWindows: 80_640n,
  bootstrapAccountPubkey: MONTANA_ACCOUNT_KEY,
  bootstrapNodePubkey: MONTANA_NODE_KEY,
  genesisContentAppId: hash("a3ededc374700026f1f872bebf3ba0199103f4082ea609688f82e69e64fa8a82"),
  genesisContentDataHash: hash("f7d8ef6f5024401b6764a196a332f7a48d592df12659bb96600fb226bfa0d536"),
};

const PARAMS_SHA256 = hash("24ad0ad53497c87c7982641ca227cd7a76b71e8617342c025e1b1263a72c7aaa");
const EMPTY_ROOT = hash("87dd145ec5630decdf8fc800583c51cce9dbe8438a1fa0b7e61eb679b4b4638f");

/** What a node of "montana" must find at every start (checks G1 and G2). */
export const MONTANA_BINDINGS: Readonly<Record<Profile, GenesisBinding>> = {
  spec: {
    paramsSha256: PARAMS_SHA256,
    accountRoot: hash("ec5c3ee238d2193e1271830e4fc43e3d6abe98b145c183253176f39b58a8693f"),
    nodeRoot: hash("10d017c17c1020b84702e13f470d3b4c40ffe75a7f69c91b9990a6bcb49905db"),
    candidateRoot: EMPTY_ROOT,
    stateRoot: hash("ed5406e2dae13eed282b65a7487516a4b6ab264a3ce34bda659d1b0e48e071c9"),
    genesisStateHash: hash("2fca9f4de094bf7ab04dc65a4746a29ad807226e40b682ee47fba9e988c31bb9"),
  },
  rc1: {
    paramsSha256: PARAMS_SHA256,
    accountRoot: hash("b600c581a19ae88dc183dc55e83793e10e8e0a2a26a3bbaec6a81666caca0974"),
    nodeRoot: hash("3eacf75d3f0a8bd8a4f8fb83b19f6ded404fdfc037e79bd57fe00223ac6f2fdd"),
    candidateRoot: EMPTY_ROOT,
    stateRoot: hash("eac5661da4acf3b950536dabd69a398f0dd8959cf7753786517ac2b4f904f32f"),
    genesisStateHash: hash("0552a9137e78862d2b4e4a3c1a292973c420b863403b2a264e23699e52668a52"),
  },
};

function hash(hex: string): Hash32 {
  return sized(fromHex(hex) ?? new Uint8Array(0), 32);
}
