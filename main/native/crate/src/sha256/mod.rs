//! SHA-256 kernels and the choice among them.
//!
//! The readable reference is the `sha2` crate ([`portable`]); the other kernels exist because a VDF node lives on the speed of
//! one chain, and a Merkle tree or the check of a history on the speed of many. A kernel is used only after it gave the
//! reference's results, once per process.

#[cfg(target_arch = "aarch64")]
mod armv8;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod portable;
#[cfg(target_arch = "x86_64")]
pub mod shani;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::sync::OnceLock;

/// The eight words of a chaining value; also a digest, each word big-endian in its byte form.
pub type State = [u32; 8];

/// Lanes of the lane form. Narrower kernels take them in portions.
pub const LANES: usize = 16;
/// Word by word, then lane by lane: row i holds word i of every lane.
pub type LaneState = [[u32; LANES]; 8];
pub type LaneBlock = [[u32; LANES]; 16];

pub const IV: State = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

pub const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
];

/// Words 8 to 15 of the block that holds a 32-byte message: the padding bit, zeros, 256 bits.
pub const PADDING_32: [u32; 8] = [0x8000_0000, 0, 0, 0, 0, 0, 0, 256];

pub fn words(bytes: &[u8; 32]) -> State {
    std::array::from_fn(|i| u32::from_be_bytes(bytes[4 * i..4 * i + 4].try_into().unwrap()))
}

pub fn bytes(words: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *chunk = word.to_be_bytes();
    }
    bytes
}

/// Iterates SHA-256 on 32-byte values, and compresses independent blocks side by side.
///
/// The functions need the CPU features that `available` looks for; only the methods call them.
pub struct Kernel {
    pub name: &'static str,
    available: fn() -> bool,
    /// Chains that this kernel computes side by side; with fewer of them at hand a narrower one is faster.
    pub chains_min: usize,
    chain: unsafe fn(&mut [State], u64),
    compress: unsafe fn(&mut LaneState, &LaneBlock),
    node: unsafe fn(&mut LaneState, &State, u32, usize),
}

impl Kernel {
    /// Applies `iterations` times SHA-256 to each of the values.
    pub fn chain(&self, states: &mut [State], iterations: u64) {
        // SAFETY: `usable` is the only source of kernels and yields none whose CPU features are missing.
        unsafe { (self.chain)(states, iterations) }
    }

    /// One compression in each lane.
    pub fn compress(&self, states: &mut LaneState, blocks: &LaneBlock) {
        // SAFETY: as in `chain`.
        unsafe { (self.compress)(states, blocks) }
    }

    /// Replaces the hash of each of the first `lanes` lanes by that of the Merkle node over it and `empty` (chapter 02 §4.2);
    /// bit i of `on_right` says that lane i is the right child. What the other lanes hold afterwards means nothing.
    pub fn node(&self, hashes: &mut LaneState, empty: &State, on_right: u32, lanes: usize) {
        // SAFETY: as in `chain`.
        unsafe { (self.node)(hashes, empty, on_right, lanes) }
    }
}

/// From the one that is fastest on many chains to the one that runs anywhere. The order was measured on Zen 4
/// (docs/performance.md); AVX2 stands behind the SHA instructions because those win wherever both exist.
static KERNELS: &[Kernel] = &[
    #[cfg(target_arch = "x86_64")]
    avx512::KERNEL,
    #[cfg(target_arch = "x86_64")]
    shani::KERNEL,
    #[cfg(target_arch = "aarch64")]
    armv8::KERNEL,
    #[cfg(target_arch = "x86_64")]
    avx2::KERNEL,
    portable::KERNEL,
];

/// What this process found out about its kernels.
pub struct Choice {
    /// Usable ones in the order of [`KERNELS`].
    pub usable: Vec<&'static Kernel>,
    /// Names of those that the CPU has but that failed their self-test.
    pub failed: Vec<&'static str>,
}

pub fn choice() -> &'static Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    CHOICE.get_or_init(|| {
        let (usable, broken): (Vec<_>, Vec<_>) =
            KERNELS.iter().filter(|kernel| (kernel.available)()).partition(|kernel| agrees_with_reference(kernel));
        Choice { usable, failed: broken.iter().map(|kernel| kernel.name).collect() }
    })
}

/// For `chains` chains at once: the first kernel that they fill.
pub fn kernel_for(chains: usize) -> &'static Kernel {
    let usable = &choice().usable;
    usable.iter().find(|kernel| kernel.chains_min <= chains).expect("the reference itself takes any number")
}

/// For independent blocks, which always come [`LANES`] at a time.
pub fn lane_kernel() -> &'static Kernel {
    kernel_for(LANES)
}

pub fn kernel_named(name: &str) -> Option<&'static Kernel> {
    choice().usable.iter().copied().find(|kernel| kernel.name == name)
}

/// Chains of several lengths and every number of them up to one more than the lanes, one compression and one Merkle node of every lane.
fn agrees_with_reference(kernel: &Kernel) -> bool {
    let seed = |lane: usize| words(&std::array::from_fn(|i| (37 * lane + 11 * i + 5) as u8));
    let chains_agree = (1..=LANES + 1).all(|count| {
        let mut ours: Vec<State> = (0..count).map(seed).collect();
        let mut reference = ours.clone();
        kernel.chain(&mut ours, 3 + count as u64);
        portable::KERNEL.chain(&mut reference, 3 + count as u64);
        ours == reference
    });
    let mut ours: LaneState = std::array::from_fn(|i| std::array::from_fn(|lane| seed(lane)[i]));
    let block: LaneBlock = std::array::from_fn(|i| std::array::from_fn(|lane| seed(lane + i)[i % 8]));
    let mut reference = ours;
    kernel.compress(&mut ours, &block);
    portable::KERNEL.compress(&mut reference, &block);
    let compressions_agree = ours == reference;
    let nodes_agree = (1..=LANES).all(|lanes| {
        kernel.node(&mut ours, &seed(0), 0xa53c, lanes);
        portable::KERNEL.node(&mut reference, &seed(0), 0xa53c, lanes);
        let agree = ours.iter().zip(&reference).all(|(row, expected)| row[..lanes] == expected[..lanes]);
        ours = reference;
        agree
    });
    chains_agree && compressions_agree && nodes_agree
}
