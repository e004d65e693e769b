//! Folds single-leaf subtrees up the sparse Merkle tree (chapter 02 §4.2), the hot path of every root.
//!
//! All items that are at one level take that level together, so that the lanes stay full although items start and end at
//! different levels, and the empty subtree's hash is the same for all of them.

use crate::sha256::{self, IV, Kernel, LANES, LaneBlock, LaneState, State};
use std::sync::LazyLock;

/// Level of the root.
pub const DEPTH: usize = 256;

/// `"mt-merkle-node" ‖ 0x00`; the left child starts at byte 15 of the message, the right one at byte 47.
const TAG: [u8; 15] = *b"mt-merkle-node\0";
/// Length of the message in bits: tag, separator and two hashes.
const NODE_BITS: u32 = 8 * (15 + 32 + 32);

/// Hash of the empty subtree of each level.
static EMPTY: LazyLock<[State; DEPTH + 1]> = LazyLock::new(|| {
    let mut empty = [[0; 8]; DEPTH + 1];
    for level in 0..DEPTH {
        let mut lanes = splat(&empty[level]);
        node(sha256::lane_kernel(), &mut lanes, &empty[level], 0);
        empty[level + 1] = std::array::from_fn(|i| lanes[i][0]);
    }
    empty
});

/// Item i starts with hash i at level `from[i]` and ends at `to[i]` ≤ 256, where its hash is written over the first one.
/// `keys` and `hashes` hold 32 bytes an item; an item with `from[i] >= to[i]` keeps its hash.
pub fn fold(kernel: &Kernel, keys: &[u8], hashes: &mut [u8], from: &[u16], to: &[u16]) {
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
            node(kernel, group, &EMPTY[level], on_right);
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

fn splat(state: &State) -> LaneState {
    state.map(|word| [word; LANES])
}

/// Replaces each lane's hash by that of the node over it and `empty`; bit i of `on_right` says that lane i is the right child.
fn node(kernel: &Kernel, lanes: &mut LaneState, empty: &State, on_right: u32) {
    // The two children as sixteen words.
    let mut children: LaneBlock = [[0; LANES]; 16];
    let on_right: [u32; LANES] = std::array::from_fn(|lane| 0u32.wrapping_sub(on_right >> lane & 1));
    for i in 0..8 {
        for lane in 0..LANES {
            let swap = (lanes[i][lane] ^ empty[i]) & on_right[lane];
            children[i][lane] = lanes[i][lane] ^ swap;
            children[8 + i][lane] = empty[i] ^ swap;
        }
    }
    // The tag is three words and three bytes, so that every word of the message takes its first three bytes from one word
    // of the children and its last from the next.
    let tag = |i: usize| u32::from_be_bytes(TAG[4 * i..4 * i + 4].try_into().unwrap());
    let tag_end = u32::from_be_bytes([TAG[12], TAG[13], TAG[14], 0]);
    let mut first: LaneBlock = [[0; LANES]; 16];
    let mut second: LaneBlock = [[0; LANES]; 16];
    for lane in 0..LANES {
        for i in 0..3 {
            first[i][lane] = tag(i);
        }
        first[3][lane] = tag_end | children[0][lane] >> 24;
        second[3][lane] = children[15][lane] << 8 | 0x80;
        second[15][lane] = NODE_BITS;
    }
    for i in 0..12 {
        for lane in 0..LANES {
            first[4 + i][lane] = children[i][lane] << 8 | children[i + 1][lane] >> 24;
        }
    }
    for i in 0..3 {
        for lane in 0..LANES {
            second[i][lane] = children[12 + i][lane] << 8 | children[13 + i][lane] >> 24;
        }
    }
    *lanes = splat(&IV);
    kernel.compress(lanes, &first);
    kernel.compress(lanes, &second);
}
