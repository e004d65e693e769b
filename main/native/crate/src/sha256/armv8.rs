//! SHA-256 by the ARMv8 SHA-2 extension, two lanes interleaved.

use super::{IV, K, Kernel, LANES, LaneBlock, LaneState, PADDING_32, State};
use crate::merkle::node_blocks;
use core::arch::aarch64::*;

pub const KERNEL: Kernel = Kernel {
    name: "armv8",
    available: || std::arch::is_aarch64_feature_detected!("sha2"),
    chains_min: 1,
    chain,
    compress,
    node,
};

const INTERLEAVED: usize = 2;

/// # Safety
/// The CPU has `sha2`.
#[target_feature(enable = "neon,sha2")]
unsafe fn chain(states: &mut [State], iterations: u64) {
    let (groups, rest) = states.as_chunks_mut::<INTERLEAVED>();
    for group in groups {
        chain_group(group, iterations);
    }
    for state in rest {
        chain_group(std::array::from_mut(state), iterations);
    }
}

#[inline]
#[target_feature(enable = "neon,sha2")]
fn chain_group<const N: usize>(states: &mut [State; N], iterations: u64) {
    let iv = [quad(&IV, 0), quad(&IV, 4)];
    let padding = [quad(&PADDING_32, 0), quad(&PADDING_32, 4)];
    let mut values = [iv; N];
    for (value, state) in values.iter_mut().zip(states.iter()) {
        *value = [quad(state, 0), quad(state, 4)];
    }
    for _ in 0..iterations {
        let mut after = [iv; N];
        let blocks = values.map(|[low, high]| [low, high, padding[0], padding[1]]);
        compress_group(&mut after, blocks);
        values = after;
    }
    for (state, value) in states.iter_mut().zip(values) {
        *state = words(value);
    }
}

/// One compression of each lane, round by round in turn.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn compress_group<const N: usize>(states: &mut [[uint32x4_t; 2]; N], mut w: [[uint32x4_t; 4]; N]) {
    let before = *states;
    for step in 0..16 {
        let k = quad(&K, 4 * step);
        for lane in 0..N {
            let [w0, w1, w2, w3] = w[lane];
            let [abcd, efgh] = states[lane];
            let wk = vaddq_u32(w0, k);
            states[lane] = [vsha256hq_u32(abcd, efgh, wk), vsha256h2q_u32(efgh, abcd, wk)];
            w[lane] = [w1, w2, w3, vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3)];
        }
    }
    for lane in 0..N {
        for half in 0..2 {
            states[lane][half] = vaddq_u32(states[lane][half], before[lane][half]);
        }
    }
}

/// # Safety
/// The CPU has `sha2`.
#[target_feature(enable = "neon,sha2")]
unsafe fn compress(states: &mut LaneState, blocks: &LaneBlock) {
    for first in (0..LANES).step_by(INTERLEAVED) {
        let column = |rows: &[[u32; LANES]], from: usize, lane: usize| -> [u32; 4] {
            std::array::from_fn(|i| rows[from + i][first + lane])
        };
        let mut group: [_; INTERLEAVED] =
            std::array::from_fn(|lane| [quad(&column(states, 0, lane), 0), quad(&column(states, 4, lane), 0)]);
        let block =
            std::array::from_fn(|lane| std::array::from_fn(|quarter| quad(&column(blocks, 4 * quarter, lane), 0)));
        compress_group(&mut group, block);
        for (lane, halves) in group.into_iter().enumerate() {
            for (row, word) in states.iter_mut().zip(words(halves)) {
                row[first + lane] = word;
            }
        }
    }
}

/// # Safety
/// The CPU has `sha2`.
#[target_feature(enable = "neon,sha2")]
unsafe fn node(hashes: &mut LaneState, empty: &State, on_right: u32) {
    let blocks = node_blocks(hashes, empty, on_right);
    *hashes = IV.map(|word| [word; LANES]);
    for block in &blocks {
        // SAFETY: the features are enabled here.
        unsafe { compress(hashes, block) };
    }
}

/// Four words of a table from index `i`.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn quad(table: &[u32], i: usize) -> uint32x4_t {
    let quad = &table[i..i + 4];
    // SAFETY: the slice holds four words.
    unsafe { vld1q_u32(quad.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon,sha2")]
fn words([abcd, efgh]: [uint32x4_t; 2]) -> State {
    let mut state = [0; 8];
    // SAFETY: both halves are four words long.
    unsafe {
        vst1q_u32(state.as_mut_ptr(), abcd);
        vst1q_u32(state.as_mut_ptr().add(4), efgh);
    }
    state
}
