//! Eight SHA-256 lanes, for x86 CPUs without the SHA extensions.

use super::vector::{self, Vector};
use super::{Kernel, LaneBlock, LaneState, State};
use core::arch::x86_64::*;

pub const KERNEL: Kernel =
    Kernel { name: "avx2", available: || is_x86_feature_detected!("avx2"), chains_min: 3, chain, compress };

/// # Safety
/// The CPU has `avx2`.
#[target_feature(enable = "avx2")]
unsafe fn chain(states: &mut [State], iterations: u64) {
    // SAFETY: the feature is enabled here.
    unsafe { vector::chain::<__m256i>(states, iterations) }
}

/// # Safety
/// The CPU has `avx2`.
#[target_feature(enable = "avx2")]
unsafe fn compress(states: &mut LaneState, blocks: &LaneBlock) {
    // SAFETY: the feature is enabled here.
    unsafe { vector::compress::<__m256i>(states, blocks) }
}

/// Rotates each lane right; `$left` is 32 minus `$right`.
macro_rules! rotate {
    ($x:expr, $right:literal, $left:literal) => {
        _mm256_or_si256(_mm256_srli_epi32::<$right>($x), _mm256_slli_epi32::<$left>($x))
    };
}

// SAFETY (of every block): the functions above are the only callers and enable the feature.
impl Vector for __m256i {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn load(words: *const u32) -> Self {
        unsafe { _mm256_loadu_si256(words.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, words: *mut u32) {
        unsafe { _mm256_storeu_si256(words.cast(), self) }
    }
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        unsafe { _mm256_set1_epi32(word as i32) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm256_add_epi32(self, other) }
    }
    #[inline(always)]
    unsafe fn choose(e: Self, f: Self, g: Self) -> Self {
        unsafe { _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g))) }
    }
    #[inline(always)]
    unsafe fn majority(a: Self, b: Self, c: Self) -> Self {
        unsafe { _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b))) }
    }
    #[inline(always)]
    unsafe fn big_sigma0(self) -> Self {
        unsafe { xor(rotate!(self, 2, 30), rotate!(self, 13, 19), rotate!(self, 22, 10)) }
    }
    #[inline(always)]
    unsafe fn big_sigma1(self) -> Self {
        unsafe { xor(rotate!(self, 6, 26), rotate!(self, 11, 21), rotate!(self, 25, 7)) }
    }
    #[inline(always)]
    unsafe fn small_sigma0(self) -> Self {
        unsafe { xor(rotate!(self, 7, 25), rotate!(self, 18, 14), _mm256_srli_epi32::<3>(self)) }
    }
    #[inline(always)]
    unsafe fn small_sigma1(self) -> Self {
        unsafe { xor(rotate!(self, 17, 15), rotate!(self, 19, 13), _mm256_srli_epi32::<10>(self)) }
    }
}

#[inline(always)]
unsafe fn xor(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    unsafe { _mm256_xor_si256(_mm256_xor_si256(a, b), c) }
}
