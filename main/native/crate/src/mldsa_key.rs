//! Validation of expanded ML-DSA-65 secret keys from outside (chapter 01 §4.4): this exists because `libcrux-ml-dsa` takes a
//! signing key as it is and offers no way to its public key. It is the arithmetic of FIPS 204 Algorithm 6, lines 3 to 10,
//! and generates, signs and verifies nothing.
//!
//! Speed does not matter here. Secret-dependent branches and indices do: there are none; remainders are by a constant,
//! which compiles to multiplications; only the verdict itself is branched on.

use crate::mldsa::{PUBLIC_KEY, SECRET_KEY};
use zeroize::Zeroizing;

const Q: u32 = 8_380_417;
const N: usize = 256;
/// Rows and columns of the matrix A.
const ROWS: usize = 6;
const COLUMNS: usize = 5;
/// Bound of the secret coefficients.
const ETA: u8 = 4;
/// Bits that Power2Round drops from t.
const D: u32 = 13;

const TR: usize = 64;
const S1: usize = 128;
const T0: usize = S1 + (COLUMNS + ROWS) * 128;

type Polynomial = [u32; N];

/// The public key that belongs to a secret key, or `None` unless s1 and s2 are in range and t0 and tr follow from them.
pub fn public_key_of(secret_key: &[u8; SECRET_KEY]) -> Option<[u8; PUBLIC_KEY]> {
    let rho: &[u8; 32] = secret_key[..32].try_into().unwrap();
    let mut difference = u8::from(!secrets_in_range(secret_key));

    let secrets = secret_key[S1..T0].as_chunks::<128>().0;
    let mut s1 = Zeroizing::new([[0; N]; COLUMNS]);
    for (polynomial, packed) in s1.iter_mut().zip(secrets) {
        unpack_secret(packed, polynomial);
        to_ntt(polynomial);
    }
    let mut public_key = [0; PUBLIC_KEY];
    public_key[..32].copy_from_slice(rho);
    let t1_rows = public_key[32..].as_chunks_mut::<320>().0;
    let t0_rows = secret_key[T0..].as_chunks::<416>().0;
    for row in 0..ROWS {
        let mut t = Zeroizing::new([0; N]);
        for column in 0..COLUMNS {
            let a = expand_a(rho, row, column)?;
            for i in 0..N {
                t[i] = add(t[i], multiply(a[i], s1[column][i]));
            }
        }
        from_ntt(&mut t);
        let mut s2 = Zeroizing::new([0; N]);
        unpack_secret(&secrets[COLUMNS + row], &mut s2);
        for i in 0..N {
            let sum = add(t[i], s2[i]);
            // Power2Round: t0 is what t1 leaves, in (-2^12, 2^12]; it is stored as 2^12 - t0.
            let t1 = (sum + (1 << (D - 1)) - 1) >> D;
            let t0 = (1 << (D - 1)) + (t1 << D) - sum;
            put_bits(&mut t1_rows[row], 10 * i, t1);
            let stored = bits(&t0_rows[row], 13 * i, 13);
            difference |= ((t0 ^ stored) | ((t0 ^ stored) >> 8)) as u8;
        }
    }
    let tr: [u8; 64] = libcrux_sha3::shake256(&public_key);
    for (ours, stored) in tr.iter().zip(&secret_key[TR..S1]) {
        difference |= ours ^ stored;
    }
    (difference == 0).then_some(public_key)
}

/// Whether every coefficient of s1 and s2 is in [-4, 4].
pub fn secrets_in_range(secret_key: &[u8; SECRET_KEY]) -> bool {
    let mut above = 0;
    for byte in &secret_key[S1..T0] {
        // Stored as 4 - s, so in 0 to 8; bit 7 of the differences is set by anything larger.
        above |= (2 * ETA).wrapping_sub(byte & 15) | (2 * ETA).wrapping_sub(byte >> 4);
    }
    above >> 7 == 0
}

fn unpack_secret(packed: &[u8; 128], polynomial: &mut Polynomial) {
    for (i, byte) in packed.iter().enumerate() {
        polynomial[2 * i] = subtract(ETA.into(), (byte & 15).into());
        polynomial[2 * i + 1] = subtract(ETA.into(), (byte >> 4).into());
    }
}

/// `count` ≤ 16 bits from bit `at`, lowest first.
fn bits(bytes: &[u8], at: usize, count: u32) -> u32 {
    let byte = |i: usize| bytes.get(at / 8 + i).map_or(0, |&byte| u32::from(byte) << (8 * i));
    (byte(0) | byte(1) | byte(2)) >> (at % 8) & ((1 << count) - 1)
}

/// Sets bits, which were zero, from bit `at`; `value` has at most ten.
fn put_bits(bytes: &mut [u8], at: usize, value: u32) {
    let shifted = value << (at % 8);
    bytes[at / 8] |= shifted as u8;
    bytes[at / 8 + 1] |= (shifted >> 8) as u8;
    if at % 8 > 6 {
        bytes[at / 8 + 2] |= (shifted >> 16) as u8;
    }
}

/// Algorithm 30 (RejNTTPoly): one polynomial of A, in the NTT domain, from the public ρ. `None` when 894 bytes do not do,
/// the standard's bound (Appendix C), which happens with probability below 2^-256.
fn expand_a(rho: &[u8; 32], row: usize, column: usize) -> Option<Polynomial> {
    let mut seed = [0; 34];
    seed[..32].copy_from_slice(rho);
    seed[32] = column as u8;
    seed[33] = row as u8;
    let stream: [u8; 894] = libcrux_sha3::shake128(&seed);
    let mut accepted = stream
        .as_chunks::<3>()
        .0
        .iter()
        .map(|&[low, middle, high]| u32::from_le_bytes([low, middle, high & 0x7f, 0]))
        .filter(|&candidate| candidate < Q);
    let mut polynomial = [0; N];
    for coefficient in &mut polynomial {
        *coefficient = accepted.next()?;
    }
    Some(polynomial)
}

fn add(a: u32, b: u32) -> u32 {
    (a + b) % Q
}

fn subtract(a: u32, b: u32) -> u32 {
    (a + Q - b) % Q
}

fn multiply(a: u32, b: u32) -> u32 {
    (u64::from(a) * u64::from(b) % u64::from(Q)) as u32
}

/// Powers of the 512th root of unity 1753 in bit-reversed order (Appendix B).
const ZETAS: [u32; N] = {
    let mut zetas = [0; N];
    let mut power = 1u64;
    let mut exponent = 0u8;
    loop {
        zetas[exponent.reverse_bits() as usize] = power as u32;
        if exponent == 255 {
            break zetas;
        }
        power = power * 1753 % Q as u64;
        exponent += 1;
    }
};

/// Algorithm 41.
fn to_ntt(w: &mut Polynomial) {
    let mut m = 0;
    let mut half = N / 2;
    while half > 0 {
        for block in w.chunks_mut(2 * half) {
            m += 1;
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let t = multiply(ZETAS[m], *b);
                *b = subtract(*a, t);
                *a = add(*a, t);
            }
        }
        half /= 2;
    }
}

/// Algorithm 42.
fn from_ntt(w: &mut Polynomial) {
    let mut m = N;
    let mut half = 1;
    while half < N {
        for block in w.chunks_mut(2 * half) {
            m -= 1;
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let t = *a;
                *a = add(t, *b);
                *b = multiply(ZETAS[m], subtract(*b, t));
            }
        }
        half *= 2;
    }
    for coefficient in w {
        *coefficient = multiply(*coefficient, 8_347_681); // 256^-1
    }
}
