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

/// One message in each lane. While a block is compressed the next one is already written: registers that load what narrow
/// stores just wrote wait for them.
fn hash_group(kernel: &Kernel, messages: &[u8], length: usize, digests: &mut [u8]) {
    let mut states: LaneState = IV.map(|word| [word; LANES]);
    let mut block = lane_block(messages, length, 0);
    for i in 1..=blocks_of(length) {
        let next = if i < blocks_of(length) { lane_block(messages, length, i) } else { block };
        kernel.compress(&mut states, &block);
        block = next;
    }
    for (lane, digest) in digests.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        *digest = crate::sha256::bytes(&std::array::from_fn(|i| states[i][lane]));
    }
}

/// Blocks of a message with its padding: a bit, zeros, and the length in eight bytes.
fn blocks_of(length: usize) -> usize {
    (length + 1 + 8).div_ceil(BLOCK)
}

/// Block `i` of the padded message of each lane.
fn lane_block(messages: &[u8], length: usize, i: usize) -> LaneBlock {
    let mut block: LaneBlock = [[0; LANES]; 16];
    for lane in 0..LANES {
        let message = &messages[lane * length..(lane + 1) * length];
        match message.get(i * BLOCK..).and_then(|rest| rest.first_chunk()) {
            Some(whole) => set_lane(&mut block, lane, whole),
            None => set_lane(&mut block, lane, &padded_block(message, i)),
        }
    }
    block
}

/// Block `i` of a message where it is not message alone.
fn padded_block(message: &[u8], i: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let Some(rest) = message.get(i * BLOCK..) {
        block[..rest.len()].copy_from_slice(rest);
        block[rest.len()] = 0x80;
    }
    if i + 1 == blocks_of(message.len()) {
        block[BLOCK - 8..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    }
    block
}

fn set_lane(block: &mut LaneBlock, lane: usize, bytes: &[u8; BLOCK]) {
    for (row, word) in block.iter_mut().zip(bytes.as_chunks::<4>().0) {
        row[lane] = u32::from_be_bytes(*word);
    }
}
