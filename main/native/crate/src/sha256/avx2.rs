//! Eight SHA-256 lanes, for x86 CPUs without the SHA extensions.

use super::Kernel;
use super::vector::{compress_block, round, sixteen_rounds, vector_kernel};
use core::arch::x86_64::*;

pub const KERNEL: Kernel =
    Kernel { name: "avx2", available: || is_x86_feature_detected!("avx2"), chains_min: 3, chain, compress, node };

vector_kernel!("avx2", __m256i, 8);

/// Rotates each lane right; `$left` is 32 minus `$right`.
macro_rules! rotate {
    ($x:expr, $right:literal, $left:literal) => {
        _mm256_or_si256(_mm256_srli_epi32::<$right>($x), _mm256_slli_epi32::<$left>($x))
    };
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> __m256i {
    _mm256_set1_epi32(word as i32)
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(e: __m256i, f: __m256i, g: __m256i) -> __m256i {
    _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma0(x: __m256i) -> __m256i {
    xor(rotate!(x, 2, 30), rotate!(x, 13, 19), rotate!(x, 22, 10))
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma1(x: __m256i) -> __m256i {
    xor(rotate!(x, 6, 26), rotate!(x, 11, 21), rotate!(x, 25, 7))
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma0(x: __m256i) -> __m256i {
    xor(rotate!(x, 7, 25), rotate!(x, 18, 14), _mm256_srli_epi32::<3>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma1(x: __m256i) -> __m256i {
    xor(rotate!(x, 17, 15), rotate!(x, 19, 13), _mm256_srli_epi32::<10>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
fn select(bits: u32, a: __m256i, b: __m256i) -> __m256i {
    let bit_of_lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    let set = _mm256_cmpeq_epi32(_mm256_and_si256(splat(bits), bit_of_lane), bit_of_lane);
    _mm256_blendv_epi8(a, b, set)
}

#[inline]
#[target_feature(enable = "avx2")]
fn join(a: __m256i, b: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi32::<8>(a), _mm256_srli_epi32::<24>(b))
}
