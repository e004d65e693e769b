//! Sixteen SHA-256 lanes: AVX-512 rotates in one instruction and takes any three-input function in another.

use super::Kernel;
use super::vector::{compress_block, round, sixteen_rounds, vector_kernel};
use core::arch::x86_64::*;

pub const KERNEL: Kernel = Kernel {
    name: "avx512",
    available: || is_x86_feature_detected!("avx512f"),
    // Sixteen lanes take as long as this many chains on the SHA instructions (docs/performance.md).
    chains_min: 15,
    chain,
    compress,
    node,
};

vector_kernel!("avx512f", __m512i, 16);

/// Truth tables of three-input functions, for `_mm512_ternarylogic_epi32`.
const XOR: i32 = 0x96;
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> __m512i {
    _mm512_set1_epi32(word as i32)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<XOR>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn choose(e: __m512i, f: __m512i, g: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<CHOOSE>(e, f, g)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma0(x: __m512i) -> __m512i {
    xor(_mm512_ror_epi32::<2>(x), _mm512_ror_epi32::<13>(x), _mm512_ror_epi32::<22>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma1(x: __m512i) -> __m512i {
    xor(_mm512_ror_epi32::<6>(x), _mm512_ror_epi32::<11>(x), _mm512_ror_epi32::<25>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma0(x: __m512i) -> __m512i {
    xor(_mm512_ror_epi32::<7>(x), _mm512_ror_epi32::<18>(x), _mm512_srli_epi32::<3>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma1(x: __m512i) -> __m512i {
    xor(_mm512_ror_epi32::<17>(x), _mm512_ror_epi32::<19>(x), _mm512_srli_epi32::<10>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn select(bits: u32, a: __m512i, b: __m512i) -> __m512i {
    _mm512_mask_blend_epi32(bits as u16, a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn join(a: __m512i, b: __m512i) -> __m512i {
    _mm512_or_si512(_mm512_slli_epi32::<8>(a), _mm512_srli_epi32::<24>(b))
}
