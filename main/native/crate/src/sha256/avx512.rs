//! Sixteen SHA-256 lanes: AVX-512 rotates in one instruction and takes any three-input function in another.

use super::vector::{self, Vector};
use super::{Kernel, LaneBlock, LaneState, State};
use core::arch::x86_64::*;

pub const KERNEL: Kernel = Kernel {
    name: "avx512",
    available: || is_x86_feature_detected!("avx512f"),
    // Sixteen lanes take as long as nine chains on the SHA instructions (docs/performance.md).
    chains_min: 9,
    chain,
    compress,
};

/// # Safety
/// The CPU has `avx512f`.
#[target_feature(enable = "avx512f")]
unsafe fn chain(states: &mut [State], iterations: u64) {
    // SAFETY: the feature is enabled here.
    unsafe { vector::chain::<__m512i>(states, iterations) }
}

/// # Safety
/// The CPU has `avx512f`.
#[target_feature(enable = "avx512f")]
unsafe fn compress(states: &mut LaneState, blocks: &LaneBlock) {
    // SAFETY: the feature is enabled here.
    unsafe { vector::compress::<__m512i>(states, blocks) }
}

/// Truth tables of three-input functions, for `_mm512_ternarylogic_epi32`.
const XOR: i32 = 0x96;
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;

// SAFETY (of every block): the functions above are the only callers and enable the feature.
impl Vector for __m512i {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn load(words: *const u32) -> Self {
        unsafe { _mm512_loadu_si512(words.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, words: *mut u32) {
        unsafe { _mm512_storeu_si512(words.cast(), self) }
    }
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        unsafe { _mm512_set1_epi32(word as i32) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm512_add_epi32(self, other) }
    }
    #[inline(always)]
    unsafe fn choose(e: Self, f: Self, g: Self) -> Self {
        unsafe { _mm512_ternarylogic_epi32::<CHOOSE>(e, f, g) }
    }
    #[inline(always)]
    unsafe fn majority(a: Self, b: Self, c: Self) -> Self {
        unsafe { _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c) }
    }
    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        unsafe { xor(_mm512_ror_epi32::<2>(self), _mm512_ror_epi32::<13>(self), _mm512_ror_epi32::<22>(self)) }
    }
    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        unsafe { xor(_mm512_ror_epi32::<6>(self), _mm512_ror_epi32::<11>(self), _mm512_ror_epi32::<25>(self)) }
    }
    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        unsafe { xor(_mm512_ror_epi32::<7>(self), _mm512_ror_epi32::<18>(self), _mm512_srli_epi32::<3>(self)) }
    }
    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        unsafe { xor(_mm512_ror_epi32::<17>(self), _mm512_ror_epi32::<19>(self), _mm512_srli_epi32::<10>(self)) }
    }
}

#[inline(always)]
unsafe fn xor(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    unsafe { _mm512_ternarylogic_epi32::<XOR>(a, b, c) }
}
