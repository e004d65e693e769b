//! ML-KEM-768 (FIPS 203) by `libcrux-ml-kem`, with the checks of keys from outside (chapter 01 §4.5).

use libcrux_ml_kem::mlkem768::{self, MlKem768PrivateKey, MlKem768PublicKey};
use zeroize::Zeroize;

pub const PUBLIC_KEY: usize = 1184;
pub const SECRET_KEY: usize = 2400;
pub const CIPHERTEXT: usize = 1088;

/// Layout of the secret key: ŝ, the public key (t̂ and ρ), its hash, the secret z.
const PUBLIC: usize = 1152;
const HASH: usize = PUBLIC + PUBLIC_KEY;
const Z: usize = HASH + 32;
/// Length of 768 coefficients of twelve bits.
const COEFFICIENTS: usize = 1152;
const Q: u16 = 3329;

pub fn generate(seed: &[u8; 64], public_key: &mut [u8; PUBLIC_KEY], secret_key: &mut [u8; SECRET_KEY]) {
    let (mut secret, public) = mlkem768::generate_key_pair(*seed).into_parts();
    public_key.copy_from_slice(public.as_ref());
    secret_key.copy_from_slice(secret.as_ref());
    secret[0..].zeroize();
}

/// Ciphertext and shared secret for the randomness m, or `None` for a key with a coefficient that is not reduced.
pub fn encapsulate(public_key: &[u8; PUBLIC_KEY], randomness: &[u8; 32]) -> Option<([u8; CIPHERTEXT], [u8; 32])> {
    if !reduced(public_key[..COEFFICIENTS].try_into().unwrap()) {
        return None;
    }
    let (ciphertext, secret) = mlkem768::encapsulate(&MlKem768PublicKey::from(public_key), *randomness);
    Some((*ciphertext.as_slice(), secret))
}

/// Shared secret with implicit rejection, or `None` for a key whose stored hash is not that of its public key.
pub fn decapsulate(secret_key: &[u8; SECRET_KEY], ciphertext: &[u8; CIPHERTEXT]) -> Option<[u8; 32]> {
    if !hash_matches(secret_key) {
        return None;
    }
    let mut key = MlKem768PrivateKey::from(secret_key);
    let secret = mlkem768::decapsulate(&key, &ciphertext.into());
    key[0..].zeroize();
    Some(secret)
}

/// The checks of chapter 01 §4.5: reduced coefficients, hash of the public key, one encapsulation that comes back.
pub fn secret_key_is_consistent(secret_key: &[u8; SECRET_KEY]) -> bool {
    if !reduced(secret_key[..COEFFICIENTS].try_into().unwrap()) {
        return false;
    }
    let public_key = secret_key[PUBLIC..HASH].try_into().unwrap();
    // Any m does; this one needs no generator.
    let randomness = secret_key[HASH..Z].try_into().unwrap();
    let Some((ciphertext, mut sent)) = encapsulate(public_key, randomness) else { return false };
    let Some(mut received) = decapsulate(secret_key, &ciphertext) else { return false };
    let difference = sent.iter().zip(&received).fold(0, |difference, (a, b)| difference | (a ^ b));
    sent.zeroize();
    received.zeroize();
    difference == 0
}

fn hash_matches(secret_key: &[u8; SECRET_KEY]) -> bool {
    libcrux_sha3::sha256(&secret_key[PUBLIC..HASH]) == secret_key[HASH..Z]
}

/// Whether all coefficients are below q; reads secret ones too, hence without a branch on any of them.
fn reduced(packed: &[u8; COEFFICIENTS]) -> bool {
    let mut above = 0;
    for &[low, middle, high] in packed.as_chunks::<3>().0 {
        let first = u16::from(low) | u16::from(middle & 15) << 8;
        let second = u16::from(middle >> 4) | u16::from(high) << 4;
        // Bit 15 is set by anything from q on.
        above |= (Q - 1).wrapping_sub(first) | (Q - 1).wrapping_sub(second);
    }
    above >> 15 == 0
}
