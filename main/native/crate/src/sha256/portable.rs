//! The readable reference: the `sha2` crate, one block after the other. It picks its own instructions for the CPU.

use super::{IV, Kernel, LANES, LaneBlock, LaneState, PADDING_32, State, bytes, words};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

pub const KERNEL: Kernel = Kernel { name: "portable", available: || true, chains_min: 1, chain, compress, node };

fn chain(states: &mut [State], iterations: u64) {
    for state in states {
        for _ in 0..iterations {
            let mut words = [0; 16];
            words[..8].copy_from_slice(state);
            words[8..].copy_from_slice(&PADDING_32);
            *state = IV;
            compress256(state, &[block_bytes(&words)]);
        }
    }
}

fn compress(states: &mut LaneState, blocks: &LaneBlock) {
    for lane in 0..LANES {
        let mut state = std::array::from_fn(|i| states[i][lane]);
        let block = std::array::from_fn(|i| blocks[i][lane]);
        compress256(&mut state, &[block_bytes(&block)]);
        for (row, word) in states.iter_mut().zip(state) {
            row[lane] = word;
        }
    }
}

/// Chapter 02 §4.2 word for word; the other kernels shift the children into place.
fn node(hashes: &mut LaneState, empty: &State, on_right: u32, lanes: usize) {
    let empty = bytes(empty);
    for lane in 0..lanes {
        let hash = bytes(&std::array::from_fn(|i| hashes[i][lane]));
        let (left, right) = if on_right >> lane & 1 == 0 { (hash, empty) } else { (empty, hash) };
        let digest = Sha256::new()
            .chain_update("mt-merkle-node")
            .chain_update([0])
            .chain_update(left)
            .chain_update(right)
            .finalize();
        for (row, word) in hashes.iter_mut().zip(words(&digest.into())) {
            row[lane] = word;
        }
    }
}

fn block_bytes(words: &[u32; 16]) -> [u8; 64] {
    let mut bytes = [0; 64];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *chunk = word.to_be_bytes();
    }
    bytes
}
