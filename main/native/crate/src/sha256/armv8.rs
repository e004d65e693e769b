//! SHA-256 by the ARMv8 SHA-2 extension, two lanes interleaved.

use super::{IV, K, Kernel, LANES, LaneBlock, LaneState, PADDING_32, State};
use crate::merkle::{NODE_BITS, NODE_PADDING, NODE_TAG};
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
        let mut group = [first, first + 1].map(|lane| [column(states, 0, lane), column(states, 4, lane)]);
        let messages = [first, first + 1].map(|lane| [0, 4, 8, 12].map(|row| column(blocks, row, lane)));
        compress_group(&mut group, messages);
        set_lanes(states, first, group);
    }
}

/// # Safety
/// The CPU has `sha2`.
#[target_feature(enable = "neon,sha2")]
unsafe fn node(hashes: &mut LaneState, empty: &State, on_right: u32, lanes: usize) {
    let empty = [quad(empty, 0), quad(empty, 4)];
    let tag = quad(&[NODE_TAG[0], NODE_TAG[1], NODE_TAG[2], NODE_TAG[3] << 8], 0);
    let padding = quad(&[NODE_PADDING, 0, 0, 0], 0);
    let zero = quad(&[0; 4], 0);
    for first in (0..lanes).step_by(INTERLEAVED) {
        let blocks = [first, first + 1].map(|lane| {
            let hash = [column(hashes, 0, lane), column(hashes, 4, lane)];
            let ([l, m], [r, s]) = if on_right >> lane & 1 == 0 { (hash, empty) } else { (empty, hash) };
            let left_start = vextq_u32::<1>(zero, vshrq_n_u32::<24>(l));
            (
                [vorrq_u32(tag, left_start), joined(l, m), joined(m, r), joined(r, s)],
                [joined(s, padding), zero, zero, quad(&[0, 0, 0, NODE_BITS], 0)],
            )
        });
        let mut group = [[quad(&IV, 0), quad(&IV, 4)]; INTERLEAVED];
        compress_group(&mut group, blocks.map(|(block, _)| block));
        compress_group(&mut group, blocks.map(|(_, block)| block));
        set_lanes(hashes, first, group);
    }
}

/// The four words that start at the second byte of each word of `a`; `b` holds the words after them.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn joined(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
    vorrq_u32(vshlq_n_u32::<8>(a), vshrq_n_u32::<24>(vextq_u32::<1>(a, b)))
}

/// Rows `row` to `row + 3` of one lane.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn column(rows: &[[u32; LANES]], row: usize, lane: usize) -> uint32x4_t {
    quad(&[rows[row][lane], rows[row + 1][lane], rows[row + 2][lane], rows[row + 3][lane]], 0)
}

#[inline]
#[target_feature(enable = "neon,sha2")]
fn set_lanes(states: &mut LaneState, first: usize, group: [[uint32x4_t; 2]; INTERLEAVED]) {
    for (lane, halves) in group.into_iter().enumerate() {
        for (row, word) in states.iter_mut().zip(words(halves)) {
            row[first + lane] = word;
        }
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
