//! ML-DSA-65 (FIPS 204) by `libcrux-ml-dsa`: external interface, pure mode, deterministic (chapter 01 §4.4).

use crate::mldsa_key;
use libcrux_ml_dsa::ml_dsa_65::{self, MLDSA65Signature, MLDSA65SigningKey, MLDSA65VerificationKey};
use zeroize::Zeroize;

pub const PUBLIC_KEY: usize = 1952;
pub const SECRET_KEY: usize = 4032;
pub const SIGNATURE: usize = 3309;

/// The deterministic variant of Algorithm 2.
const NO_RANDOMNESS: [u8; 32] = [0; 32];

pub fn generate(seed: &[u8; 32], public_key: &mut [u8; PUBLIC_KEY], secret_key: &mut [u8; SECRET_KEY]) {
    let mut pair = ml_dsa_65::generate_key_pair(*seed);
    public_key.copy_from_slice(pair.verification_key.as_ref());
    secret_key.copy_from_slice(pair.signing_key.as_ref());
    pair.signing_key.as_mut_slice().zeroize();
}

/// `None` for a key that no key generation gives: secret coefficients out of range, or no signature in the standard's number
/// of tries. A key from outside is checked once, by [`mldsa_key::public_key_of`].
pub fn sign(secret_key: &[u8; SECRET_KEY], message: &[u8], context: &[u8]) -> Option<[u8; SIGNATURE]> {
    if !mldsa_key::secrets_in_range(secret_key) {
        return None;
    }
    let mut key = MLDSA65SigningKey::new(*secret_key);
    let signature = ml_dsa_65::sign(&key, message, context, NO_RANDOMNESS);
    key.as_mut_slice().zeroize();
    signature.ok().map(|signature| *signature.as_ref())
}

/// With the empty context. False for every malformed key or signature.
pub fn verify(public_key: &[u8; PUBLIC_KEY], message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
    let key = MLDSA65VerificationKey::new(*public_key);
    ml_dsa_65::verify(&key, message, &[], &MLDSA65Signature::new(*signature)).is_ok()
}

/// Independent signatures: keys and signatures one after the other, message i ends at `message_ends[i]`.
pub struct Batch<'a> {
    pub public_keys: &'a [u8],
    pub messages: &'a [u8],
    pub message_ends: &'a [u32],
    pub signatures: &'a [u8],
}

impl Batch<'_> {
    pub fn len(&self) -> usize {
        self.message_ends.len()
    }

    pub fn verify(&self, i: usize) -> bool {
        let start = if i == 0 { 0 } else { self.message_ends[i - 1] as usize };
        let message = &self.messages[start..self.message_ends[i] as usize];
        let keys = self.public_keys.as_chunks().0;
        let signatures = self.signatures.as_chunks().0;
        verify(&keys[i], message, &signatures[i])
    }

    /// Verifies on up to `threads` threads and blocks until all are done.
    pub fn verify_all(&self, threads: usize, valid: &mut [u8]) {
        let share = self.len().div_ceil(threads).max(SIGNATURES_PER_THREAD_MIN);
        std::thread::scope(|scope| {
            let mut shares = valid.chunks_mut(share).enumerate();
            let own = shares.next();
            for (n, valid) in shares {
                scope.spawn(move || self.verify_share(n * share, valid));
            }
            if let Some((_, valid)) = own {
                self.verify_share(0, valid);
            }
        });
    }

    fn verify_share(&self, first: usize, valid: &mut [u8]) {
        for (i, valid) in valid.iter_mut().enumerate() {
            *valid = self.verify(first + i).into();
        }
    }
}

/// Below this, starting a thread costs more than it saves.
const SIGNATURES_PER_THREAD_MIN: usize = 2;
