//! HMAC, PBKDF2, ChaCha20-Poly1305, X25519 and Argon2id, from the RustCrypto and dalek crates.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

pub const TAG: usize = 16;

pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub fn pbkdf2_hmac_sha256(password: &[u8], salt: &[u8], iterations: u32, derived: &mut [u8]) {
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, derived);
}

/// RFC 8439: `sealed` gets the ciphertext and the tag after it. `None` when the lengths do not fit.
pub fn seal(key: &[u8; 32], nonce: &[u8; 12], data: &[u8], plaintext: &[u8], sealed: &mut [u8]) -> Option<()> {
    let (ciphertext, tag) = sealed.split_at_mut_checked(plaintext.len())?;
    let tag: &mut [u8; TAG] = tag.try_into().ok()?;
    let buffer = InOutBuf::new(plaintext, ciphertext).ok()?;
    *tag = ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), data, buffer).ok()?.into();
    Some(())
}

/// The reverse of [`seal`]; `None` when the tag does not match, and `plaintext` then holds zeros.
pub fn open(key: &[u8; 32], nonce: &[u8; 12], data: &[u8], sealed: &[u8], plaintext: &mut [u8]) -> Option<()> {
    let (ciphertext, tag) = sealed.split_at_checked(plaintext.len())?;
    let tag: &[u8; TAG] = tag.try_into().ok()?;
    let buffer = InOutBuf::new(ciphertext, plaintext).ok()?;
    let opened = ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(nonce.into(), data, buffer, tag.into());
    if opened.is_err() {
        plaintext.zeroize();
    }
    opened.ok()
}

/// RFC 7748. `None` for a point of small order, whose shared secret everybody knows.
pub fn x25519_shared(secret_key: &[u8; 32], public_key: &[u8; 32]) -> Option<[u8; 32]> {
    let shared = x25519_dalek::x25519(*secret_key, *public_key);
    (shared.iter().fold(0, |any, byte| any | byte) != 0).then_some(shared)
}

pub fn x25519_public(secret_key: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::x25519(*secret_key, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// RFC 9106, version 0x13, without secret and associated data. `None` for parameters outside its bounds.
pub fn argon2id(
    password: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    derived: &mut [u8],
) -> Option<()> {
    let params = Params::new(memory_kib, passes, lanes, Some(derived.len())).ok()?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(password, salt, derived).ok()
}
