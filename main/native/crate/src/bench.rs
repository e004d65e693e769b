//! Peers that the bench programme measures the program's own paths against. Nothing else calls them.

#[cfg(target_arch = "x86_64")]
use crate::sha256::{bytes, words};

/// `steps` times the dependent round instructions of one SHA-256 and nothing else; `None` where no kernel uses them.
#[cfg(target_arch = "x86_64")]
pub fn rounds_alone(value: &[u8; 32], steps: u64) -> Option<[u8; 32]> {
    if !is_x86_feature_detected!("sha") {
        return None;
    }
    let mut state = words(value);
    // SAFETY: the feature was looked for.
    unsafe { crate::sha256::shani::rounds_alone(&mut state, steps) };
    Some(bytes(&state))
}

#[cfg(not(target_arch = "x86_64"))]
pub fn rounds_alone(_: &[u8; 32], _: u64) -> Option<[u8; 32]> {
    None
}

/// The chain as the `sha2` crate computes it, called as its documentation shows.
pub fn sha2_chain(value: &[u8; 32], iterations: u64) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let mut value = *value;
    for _ in 0..iterations {
        value = Sha256::digest(value).into();
    }
    value
}
