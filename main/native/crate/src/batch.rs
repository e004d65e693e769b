//! Hashes of many equally long messages, sixteen side by side.

use crate::sha256::{IV, Kernel, LANES, LaneBlock, LaneState};
use sha2::{Digest, Sha256};

const BLOCK: usize = 64;

/// `messages` holds messages of `length` bytes one after the other; digest i goes to bytes 32·i of `digests`.
pub fn hash(kernel: &Kernel, messages: &[u8], length: usize, digests: &mut [u8]) {
    let count = digests.len() / 32;
    let full = count - count % LANES;
    for first in (0..full).step_by(LANES) {
        let group = &messages[first * length..(first + LANES) * length];
        hash_group(kernel, group, length, &mut digests[first * 32..(first + LANES) * 32]);
    }
    for i in full..count {
        let digest = Sha256::digest(&messages[i * length..(i + 1) * length]);
        digests[i * 32..(i + 1) * 32].copy_from_slice(&digest);
    }
}

fn hash_group(kernel: &Kernel, messages: &[u8], length: usize, digests: &mut [u8]) {
    let mut states: LaneState = IV.map(|word| [word; LANES]);
    let mut block: LaneBlock = [[0; LANES]; 16];
    let whole = length - length % BLOCK;
    for offset in (0..whole).step_by(BLOCK) {
        for lane in 0..LANES {
            let at = lane * length + offset;
            set_lane(&mut block, lane, messages[at..at + BLOCK].try_into().unwrap());
        }
        kernel.compress(&mut states, &block);
    }
    // The rest of a message, its padding bit and its length in bits take one more block or two.
    let rest = length - whole;
    let mut tail = [0; 2 * BLOCK];
    let tail_length = if rest < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
    tail[rest] = 0x80;
    tail[tail_length - 8..tail_length].copy_from_slice(&(8 * length as u64).to_be_bytes());
    for offset in (0..tail_length).step_by(BLOCK) {
        for lane in 0..LANES {
            let end = (lane + 1) * length;
            tail[..rest].copy_from_slice(&messages[end - rest..end]);
            set_lane(&mut block, lane, tail[offset..offset + BLOCK].try_into().unwrap());
        }
        kernel.compress(&mut states, &block);
    }
    for (lane, digest) in digests.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        *digest = crate::sha256::bytes(&std::array::from_fn(|i| states[i][lane]));
    }
}

fn set_lane(block: &mut LaneBlock, lane: usize, bytes: &[u8; BLOCK]) {
    for (row, word) in block.iter_mut().zip(bytes.as_chunks::<4>().0) {
        row[lane] = u32::from_be_bytes(*word);
    }
}
