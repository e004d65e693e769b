//! Folds single-leaf subtrees up the sparse Merkle tree (chapter 02 §4.2), the hot path of every root.
//!
//! All items that are at one level take that level together, so that the lanes stay full although items start and end at
//! different levels, and the empty subtree's hash is the same for all of them.

use crate::sha256::{self, Kernel, LANES, LaneState, State};
use std::sync::LazyLock;

/// Level of the root.
pub const DEPTH: usize = 256;

/// The message of a node is `"mt-merkle-node" ‖ 0x00`, the left and the right child. The tag has three words and three bytes,
/// so that every further word takes its first three bytes from one word and its last from the next.
pub const NODE_TAG: [u32; 4] = [
    u32::from_be_bytes(*b"mt-m"),
    u32::from_be_bytes(*b"erkl"),
    u32::from_be_bytes(*b"e-no"),
    u32::from_be_bytes(*b"\0de\0"),
];
/// Joined after the last word of a child: the padding bit.
pub const NODE_PADDING: u32 = 0x8000_0000;
/// Length of the message in bits: tag, separator and two hashes.
pub const NODE_BITS: u32 = 8 * (15 + 32 + 32);

/// Hash of the empty subtree of each level.
static EMPTY: LazyLock<[State; DEPTH + 1]> = LazyLock::new(|| {
    let mut empty = [[0; 8]; DEPTH + 1];
    for level in 0..DEPTH {
        let mut lanes = empty[level].map(|word| [word; LANES]);
        sha256::kernel_for(1).node(&mut lanes, &empty[level], 0, 1);
        empty[level + 1] = std::array::from_fn(|i| lanes[i][0]);
    }
    empty
});

/// Item i starts with hash i at level `from[i]` and ends at `to[i]` ≤ 256, where its hash is written over the first one.
/// `keys` and `hashes` hold 32 bytes an item; an item with `from[i] >= to[i]` keeps its hash. Without a `kernel` each group takes
/// the one that is fastest for its size: a window of a quiet network changes a handful of leaves.
pub fn fold(kernel: Option<&Kernel>, keys: &[u8], hashes: &mut [u8], from: &[u16], to: &[u16]) {
    let keys = keys.as_chunks::<32>().0;
    let hashes = hashes.as_chunks_mut::<32>().0;
    let mut waiting: Vec<u32> = (0..from.len() as u32).filter(|&i| from[i as usize] < to[i as usize]).collect();
    // The next one to start is the last.
    waiting.sort_unstable_by_key(|&i| std::cmp::Reverse(from[i as usize]));

    // Items on their way, and their hashes: item n is lane n % LANES of group n / LANES.
    let mut items: Vec<u32> = Vec::with_capacity(waiting.len());
    let mut groups: Vec<LaneState> = Vec::with_capacity(waiting.len().div_ceil(LANES));
    for level in 0..DEPTH {
        while let Some(item) = waiting.pop_if(|&mut item| usize::from(from[item as usize]) == level) {
            if items.len().is_multiple_of(LANES) {
                groups.push([[0; LANES]; 8]);
            }
            set(&mut groups, items.len(), &sha256::words(&hashes[item as usize]));
            items.push(item);
        }
        for (group, members) in groups.iter_mut().zip(items.chunks(LANES)) {
            let mut on_right = 0;
            for (lane, &item) in members.iter().enumerate() {
                on_right |= u32::from(keys[item as usize][level >> 3] >> (level & 7) & 1) << lane;
            }
            let kernel = kernel.unwrap_or_else(|| sha256::kernel_for(members.len()));
            kernel.node(group, &EMPTY[level], on_right, members.len());
        }
        // From the end, so that the item that fills a gap has been looked at.
        for n in (0..items.len()).rev() {
            let item = items[n] as usize;
            if usize::from(to[item]) == level + 1 {
                hashes[item] = sha256::bytes(&get(&groups, n));
                let last = get(&groups, items.len() - 1);
                set(&mut groups, n, &last);
                items.swap_remove(n);
                groups.truncate(items.len().div_ceil(LANES));
            }
        }
        if items.is_empty() && waiting.is_empty() {
            return;
        }
    }
}

fn get(groups: &[LaneState], n: usize) -> State {
    std::array::from_fn(|i| groups[n / LANES][i][n % LANES])
}

/// Writing to a group that is about to be dropped is possible and harmless.
fn set(groups: &mut [LaneState], n: usize, state: &State) {
    for (row, &word) in groups[n / LANES].iter_mut().zip(state) {
        row[n % LANES] = word;
    }
}
