//! SHA-256 by the x86 SHA extensions.
//!
//! One chain is bound by the latency of `sha256rnds2`, so everything else is kept off the path from the last round of one
//! hash to the first round of the next: the new words go from the round registers into the first rounds by one shuffle and
//! one addition of (initial value + round constant), and are put in message order only for the schedule, which has time.
//! Several chains interleave in the same loop: a round instruction takes four cycles, and another may start after two.

use super::{IV, K, Kernel, LANES, LaneBlock, LaneState, State};
use crate::merkle::{NODE_BITS, NODE_PADDING, NODE_TAG};
use core::arch::x86_64::*;

pub const KERNEL: Kernel = Kernel {
    name: "sha-ni",
    available: || {
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3")
    },
    chains_min: 1,
    chain,
    compress,
    node,
};

/// # Safety
/// The CPU has `sha`, `sse4.1` and `ssse3`.
#[target_feature(enable = "sha,sse4.1,ssse3")]
unsafe fn chain(states: &mut [State], iterations: u64) {
    // Measured on Zen 4: two chains reach 1.80 of one, three 1.99, four no more than three.
    let (threes, rest) = states.as_chunks_mut::<3>();
    for group in threes {
        chain_group(group, iterations);
    }
    let (twos, rest) = rest.as_chunks_mut::<2>();
    for group in twos {
        chain_group(group, iterations);
    }
    for state in rest {
        chain_group(std::array::from_mut(state), iterations);
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn set(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(|word| word as i32);
    _mm_set_epi32(d, c, b, a)
}

/// Four words of a table from index `i`, lowest first.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn quad(table: &[u32], i: usize) -> __m128i {
    set([table[i], table[i + 1], table[i + 2], table[i + 3]])
}

/// The two registers of the round instruction: words A B E F and C D G H, highest first.
#[derive(Clone, Copy)]
struct Rounds {
    abef: __m128i,
    cdgh: __m128i,
}

impl Rounds {
    /// From words A to D and E to H, lowest first.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn load([abcd, efgh]: [__m128i; 2]) -> Self {
        Rounds {
            abef: _mm_shuffle_epi32::<0xb1>(_mm_unpacklo_epi64(efgh, abcd)),
            cdgh: _mm_shuffle_epi32::<0xb1>(_mm_unpackhi_epi64(efgh, abcd)),
        }
    }

    /// The reverse of `load`.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn store(self) -> [__m128i; 2] {
        let (abef, cdgh) = (_mm_shuffle_epi32::<0xb1>(self.abef), _mm_shuffle_epi32::<0xb1>(self.cdgh));
        [_mm_unpackhi_epi64(abef, cdgh), _mm_unpacklo_epi64(abef, cdgh)]
    }

    /// Four rounds; `wk` holds their message words with the round constants added.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn four(&mut self, wk: __m128i) {
        self.two(wk);
        self.two(_mm_shuffle_epi32::<0x0e>(wk));
    }

    /// Two rounds, of the low two words of `wk`.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn two(&mut self, wk: __m128i) {
        let abef = _mm_sha256rnds2_epu32(self.cdgh, self.abef, wk);
        self.cdgh = self.abef;
        self.abef = abef;
    }
}

/// The next four message words from the last sixteen, oldest first.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn schedule(w0: __m128i, w1: __m128i, w2: __m128i, w3: __m128i) -> __m128i {
    let partial = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
    _mm_sha256msg2_epu32(partial, w3)
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn chain_group<const N: usize>(states: &mut [State; N], iterations: u64) {
    if iterations == 0 {
        return;
    }
    let zero = _mm_setzero_si128();
    // Initial values and round constants in the order in which a digest leaves the round registers: A B E F, C D G H.
    let iv_abef = set([IV[0], IV[1], IV[4], IV[5]]);
    let iv_cdgh = set([IV[2], IV[3], IV[6], IV[7]]);
    let k_abef = set([K[0], K[1], K[4], K[5]]);
    let k_cdgh = set([K[2], K[3], K[6], K[7]]);
    let (ivk_abef, ivk_cdgh) = (_mm_add_epi32(iv_abef, k_abef), _mm_add_epi32(iv_cdgh, k_cdgh));
    // The words before the initial values are added, in that same order.
    let mut sums = [(zero, zero); N];
    for (sum, [a, b, c, d, e, f, g, h]) in sums.iter_mut().zip(*states) {
        sum.0 = _mm_sub_epi32(set([a, b, e, f]), iv_abef);
        sum.1 = _mm_sub_epi32(set([c, d, g, h]), iv_cdgh);
    }

    for _ in 0..iterations {
        let mut rounds = [Rounds::load([quad(&IV, 0), quad(&IV, 4)]); N];
        let mut w = [[zero; 4]; N];
        for lane in 0..N {
            let (abef, cdgh) = sums[lane];
            let (wk_abef, wk_cdgh) = (_mm_add_epi32(abef, ivk_abef), _mm_add_epi32(cdgh, ivk_cdgh));
            rounds[lane].two(wk_abef);
            rounds[lane].two(wk_cdgh);
            rounds[lane].two(_mm_shuffle_epi32::<0x0e>(wk_abef));
            rounds[lane].two(_mm_shuffle_epi32::<0x0e>(wk_cdgh));
            let (abef, cdgh) = (_mm_add_epi32(abef, iv_abef), _mm_add_epi32(cdgh, iv_cdgh));
            w[lane][0] = _mm_unpacklo_epi64(abef, cdgh);
            w[lane][1] = _mm_unpackhi_epi64(abef, cdgh);
        }
        // Words 8 to 15 are the padding 0x80000000, 0 …, 256: constants, and so are the parts of the schedule they make.
        for round in &mut rounds {
            round.four(set([K[8].wrapping_add(0x8000_0000), K[9], K[10], K[11]]));
        }
        for round in &mut rounds {
            round.four(set([K[12], K[13], K[14], K[15].wrapping_add(256)]));
        }
        let padding_end = set([0, 0, 0, 256]);
        for lane in 0..N {
            let [w0, w1, ..] = w[lane];
            // σ0 and additions of words 9 to 12 add nothing.
            let w4 = _mm_sha256msg2_epu32(_mm_sha256msg1_epu32(w0, w1), padding_end);
            rounds[lane].four(_mm_add_epi32(w4, quad(&K, 16)));
            // msg1 of words 4 to 8; the only padding word that it sees is word 8.
            let from_w1 = _mm_sha256msg1_epu32(w1, set([0x8000_0000, 0, 0, 0]));
            let w5 = _mm_sha256msg2_epu32(_mm_add_epi32(from_w1, _mm_alignr_epi8::<4>(w4, padding_end)), w4);
            rounds[lane].four(_mm_add_epi32(w5, quad(&K, 20)));
            // msg1 of words 8 to 12 is word 8 alone.
            let from_w2 = set([0x8000_0000, 0, 0, 0]);
            let w6 = _mm_sha256msg2_epu32(_mm_add_epi32(from_w2, _mm_alignr_epi8::<4>(w5, w4)), w5);
            rounds[lane].four(_mm_add_epi32(w6, quad(&K, 24)));
            let w7 = schedule(padding_end, w4, w5, w6);
            rounds[lane].four(_mm_add_epi32(w7, quad(&K, 28)));
            w[lane] = [w4, w5, w6, w7];
        }
        for step in (32..64).step_by(4) {
            for lane in 0..N {
                let [w0, w1, w2, w3] = w[lane];
                let next = schedule(w0, w1, w2, w3);
                rounds[lane].four(_mm_add_epi32(next, quad(&K, step)));
                w[lane] = [w1, w2, w3, next];
            }
        }
        for (sum, round) in sums.iter_mut().zip(rounds) {
            *sum = (_mm_shuffle_epi32::<0x1b>(round.abef), _mm_shuffle_epi32::<0x1b>(round.cdgh));
        }
    }

    for (state, (abef, cdgh)) in states.iter_mut().zip(sums) {
        let [a, b, e, f] = lanes(_mm_add_epi32(abef, iv_abef));
        let [c, d, g, h] = lanes(_mm_add_epi32(cdgh, iv_cdgh));
        *state = [a, b, c, d, e, f, g, h];
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn lanes(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<0>(vector),
        _mm_extract_epi32::<1>(vector),
        _mm_extract_epi32::<2>(vector),
        _mm_extract_epi32::<3>(vector),
    ]
    .map(|word| word as u32)
}

/// # Safety
/// The CPU has `sha`, `sse4.1` and `ssse3`.
#[target_feature(enable = "sha,sse4.1,ssse3")]
unsafe fn compress(states: &mut LaneState, blocks: &LaneBlock) {
    for first in (0..LANES).step_by(4) {
        let quarters = [0, 4, 8, 12].map(|row| columns(blocks, row, first));
        let mut values = [columns(states, 0, first), columns(states, 4, first)];
        for lane in [0, 2] {
            let mut rounds = [lane, lane + 1].map(|lane| Rounds::load([values[0][lane], values[1][lane]]));
            let messages = [lane, lane + 1].map(|lane| quarters.map(|quarter| quarter[lane]));
            compress_pair(&mut rounds, messages);
            for (i, rounds) in rounds.into_iter().enumerate() {
                [values[0][lane + i], values[1][lane + i]] = rounds.store();
            }
        }
        set_columns(states, 0, first, values[0]);
        set_columns(states, 4, first, values[1]);
    }
}

/// # Safety
/// The CPU has `sha`, `sse4.1` and `ssse3`.
#[target_feature(enable = "sha,sse4.1,ssse3")]
unsafe fn node(hashes: &mut LaneState, empty: &State, on_right: u32, lanes: usize) {
    let empty = [quad(empty, 0), quad(empty, 4)];
    let tag = set([NODE_TAG[0], NODE_TAG[1], NODE_TAG[2], NODE_TAG[3] << 8]);
    let padding = set([NODE_PADDING, 0, 0, 0]);
    let zero = _mm_setzero_si128();
    for first in (0..lanes).step_by(4) {
        let mut values = [columns(hashes, 0, first), columns(hashes, 4, first)];
        for lane in [0, 2] {
            let blocks = [lane, lane + 1].map(|lane| {
                let hash = [values[0][lane], values[1][lane]];
                let ([l, m], [r, s]) = if on_right >> (first + lane) & 1 == 0 { (hash, empty) } else { (empty, hash) };
                let left_start = _mm_slli_si128::<12>(_mm_srli_epi32::<24>(l));
                (
                    [_mm_or_si128(tag, left_start), joined(l, m), joined(m, r), joined(r, s)],
                    [joined(s, padding), zero, zero, set([0, 0, 0, NODE_BITS])],
                )
            });
            let mut rounds = [Rounds::load([quad(&IV, 0), quad(&IV, 4)]); 2];
            compress_pair(&mut rounds, blocks.map(|(block, _)| block));
            compress_pair(&mut rounds, blocks.map(|(_, block)| block));
            for (i, rounds) in rounds.into_iter().enumerate() {
                [values[0][lane + i], values[1][lane + i]] = rounds.store();
            }
        }
        set_columns(hashes, 0, first, values[0]);
        set_columns(hashes, 4, first, values[1]);
    }
}

/// The four words that start at the second byte of each word of `a`; `b` holds the words after them.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn joined(a: __m128i, b: __m128i) -> __m128i {
    let next = _mm_alignr_epi8::<4>(b, a);
    _mm_or_si128(_mm_slli_epi32::<8>(a), _mm_srli_epi32::<24>(next))
}

/// Rows `row` to `row + 3` of lanes `first` to `first + 3`, as one register a lane.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn columns(rows: &[[u32; LANES]], row: usize, first: usize) -> [__m128i; 4] {
    transpose([0, 1, 2, 3].map(|i| quad(&rows[row + i], first)))
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn set_columns(rows: &mut [[u32; LANES]], row: usize, first: usize, columns: [__m128i; 4]) {
    for (i, words) in transpose(columns).into_iter().enumerate() {
        rows[row + i][first..first + 4].copy_from_slice(&lanes(words));
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn transpose([a, b, c, d]: [__m128i; 4]) -> [__m128i; 4] {
    let (ab_low, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    [
        _mm_unpacklo_epi64(ab_low, cd_low),
        _mm_unpackhi_epi64(ab_low, cd_low),
        _mm_unpacklo_epi64(ab_high, cd_high),
        _mm_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// One block in each of two lanes.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress_pair(rounds: &mut [Rounds; 2], mut w: [[__m128i; 4]; 2]) {
    let before = *rounds;
    for step in 0..16 {
        for lane in 0..2 {
            let [w0, w1, w2, w3] = w[lane];
            rounds[lane].four(_mm_add_epi32(w0, quad(&K, 4 * step)));
            w[lane] = [w1, w2, w3, schedule(w0, w1, w2, w3)];
        }
    }
    for (rounds, before) in rounds.iter_mut().zip(before) {
        rounds.abef = _mm_add_epi32(rounds.abef, before.abef);
        rounds.cdgh = _mm_add_epi32(rounds.cdgh, before.cdgh);
    }
}

/// `steps` times the 32 dependent round instructions of one hash and nothing else: what no chain on this CPU can beat.
///
/// # Safety
/// The CPU has `sha`.
#[target_feature(enable = "sha,sse4.1,ssse3")]
pub unsafe fn rounds_alone(state: &mut State, steps: u64) {
    let mut rounds = Rounds::load([quad(state, 0), quad(state, 4)]);
    let wk = quad(&K, 0);
    for _ in 0..steps {
        for _ in 0..32 {
            rounds.two(wk);
        }
    }
    let [abcd, efgh] = rounds.store();
    state[..4].copy_from_slice(&lanes(abcd));
    state[4..].copy_from_slice(&lanes(efgh));
}
