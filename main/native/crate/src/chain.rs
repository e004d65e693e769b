//! The VDF: SHA-256 iterated on a 32-byte value (chapter 03 §4.2).

use crate::sha256::{self, Kernel};

/// Advances one value by `iterations` hashes. The caller cuts a long chain into calls, to report progress and to stop.
pub fn advance(kernel: &Kernel, value: &[u8; 32], iterations: u64) -> [u8; 32] {
    let mut state = [sha256::words(value)];
    kernel.chain(&mut state, iterations);
    sha256::bytes(&state[0])
}
