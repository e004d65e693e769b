//! SHA-256 in every lane of a vector register, over any width.
//!
//! A macro and not a generic function: each instruction set gets functions of its own that enable its features, in which the
//! intrinsics are safe to call and to inline.

/// Defines `chain`, `compress` and `node` of a kernel. Around it are expected, for the register type: `splat`, `add`;
/// `choose`, `majority`, `big_sigma0`, `big_sigma1`, `small_sigma0` and `small_sigma1` of FIPS 180-4 §4.1.2; `select(bits, a,
/// b)`, which takes `b` in the lanes whose bit is set; and `join(a, b)`, the last three bytes of `a` and the first of `b`.
macro_rules! vector_kernel {
    ($feature:literal, $vector:ty, $width:literal) => {
        use super::{IV, K, LANES, LaneBlock, LaneState, PADDING_32, State};
        use crate::merkle::{NODE_BITS, NODE_PADDING, NODE_TAG};

        /// Chains fill the register; a last portion that does not is padded with idle lanes.
        ///
        /// # Safety
        #[doc = concat!("The CPU has `", $feature, "`.")]
        #[target_feature(enable = $feature)]
        unsafe fn chain(states: &mut [State], iterations: u64) {
            for portion in states.chunks_mut($width) {
                let mut rows = [[0; $width]; 8];
                for (lane, state) in portion.iter().enumerate() {
                    for (row, word) in rows.iter_mut().zip(state) {
                        row[lane] = *word;
                    }
                }
                let mut values = rows.map(|row| load(&row));
                let initial = IV.map(|word| splat(word));
                let padding = PADDING_32.map(|word| splat(word));
                for _ in 0..iterations {
                    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (values, padding);
                    let mut window = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
                    values = compress_block!(initial, window);
                }
                for (row, value) in rows.iter_mut().zip(values) {
                    store(row, value);
                }
                for (lane, state) in portion.iter_mut().enumerate() {
                    *state = std::array::from_fn(|i| rows[i][lane]);
                }
            }
        }

        /// # Safety
        #[doc = concat!("The CPU has `", $feature, "`.")]
        #[target_feature(enable = $feature)]
        unsafe fn compress(states: &mut LaneState, blocks: &LaneBlock) {
            for portion in 0..LANES / $width {
                let of_row = |row: &[u32; LANES]| load(&row.as_chunks::<$width>().0[portion]);
                let before = [0, 1, 2, 3, 4, 5, 6, 7].map(|i| of_row(&states[i]));
                let mut window = blocks.each_ref().map(|row| of_row(row));
                let after = compress_block!(before, window);
                for (row, value) in states.iter_mut().zip(after) {
                    store(&mut row.as_chunks_mut::<$width>().0[portion], value);
                }
            }
        }

        /// # Safety
        #[doc = concat!("The CPU has `", $feature, "`.")]
        #[target_feature(enable = $feature)]
        unsafe fn node(hashes: &mut LaneState, empty: &State, on_right: u32, lanes: usize) {
            let empty = empty.map(|word| splat(word));
            let tag = NODE_TAG.map(|word| splat(word));
            for portion in 0..lanes.div_ceil($width) {
                let on_right = on_right >> ($width * portion);
                let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|i| {
                    let hash = load(&hashes[i].as_chunks::<$width>().0[portion]);
                    // Left child, right child.
                    (select(on_right, hash, empty[i]), select(on_right, empty[i], hash))
                });
                let mut first = [
                    tag[0],
                    tag[1],
                    tag[2],
                    join(tag[3], a.0),
                    join(a.0, b.0),
                    join(b.0, c.0),
                    join(c.0, d.0),
                    join(d.0, e.0),
                    join(e.0, f.0),
                    join(f.0, g.0),
                    join(g.0, h.0),
                    join(h.0, a.1),
                    join(a.1, b.1),
                    join(b.1, c.1),
                    join(c.1, d.1),
                    join(d.1, e.1),
                ];
                let zero = splat(0);
                let mut second = [zero; 16];
                second[0] = join(e.1, f.1);
                second[1] = join(f.1, g.1);
                second[2] = join(g.1, h.1);
                second[3] = join(h.1, splat(NODE_PADDING));
                second[15] = splat(NODE_BITS);
                let middle = compress_block!(IV.map(|word| splat(word)), first);
                let after = compress_block!(middle, second);
                for (row, value) in hashes.iter_mut().zip(after) {
                    store(&mut row.as_chunks_mut::<$width>().0[portion], value);
                }
            }
        }

        #[inline]
        #[target_feature(enable = $feature)]
        fn load(words: &[u32; $width]) -> $vector {
            // SAFETY: the array has the register's size, and any bits are a register's value.
            unsafe { std::mem::transmute(*words) }
        }

        #[inline]
        #[target_feature(enable = $feature)]
        fn store(words: &mut [u32; $width], value: $vector) {
            // SAFETY: the array has the register's size, and any bits are an array's value.
            *words = unsafe { std::mem::transmute::<$vector, [u32; $width]>(value) };
        }
    };
}

/// The chaining value after one block; `$w`, the window of sixteen message words, is used up.
macro_rules! compress_block {
    ($before:expr, $w:ident) => {{
        let before = $before;
        let mut state = before;
        sixteen_rounds!(state, $w, 0);
        sixteen_rounds!(state, $w, 16);
        sixteen_rounds!(state, $w, 32);
        sixteen_rounds!(state, $w, 48);
        let [a, b, c, d, e, f, g, h] = state;
        [
            add(a, before[0]),
            add(b, before[1]),
            add(c, before[2]),
            add(d, before[3]),
            add(e, before[4]),
            add(f, before[5]),
            add(g, before[6]),
            add(h, before[7]),
        ]
    }};
}

/// Rounds `$first` to `$first + 15`.
macro_rules! sixteen_rounds {
    ($state:ident, $w:ident, $first:literal) => {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $state;
        round!($w, $first, 0, a b c d e f g h);
        round!($w, $first, 1, h a b c d e f g);
        round!($w, $first, 2, g h a b c d e f);
        round!($w, $first, 3, f g h a b c d e);
        round!($w, $first, 4, e f g h a b c d);
        round!($w, $first, 5, d e f g h a b c);
        round!($w, $first, 6, c d e f g h a b);
        round!($w, $first, 7, b c d e f g h a);
        round!($w, $first, 8, a b c d e f g h);
        round!($w, $first, 9, h a b c d e f g);
        round!($w, $first, 10, g h a b c d e f);
        round!($w, $first, 11, f g h a b c d e);
        round!($w, $first, 12, e f g h a b c d);
        round!($w, $first, 13, d e f g h a b c);
        round!($w, $first, 14, c d e f g h a b);
        round!($w, $first, 15, b c d e f g h a);
        $state = [a, b, c, d, e, f, g, h];
    };
}

/// Round `$first + $i`; from round 16 on it advances its word of the window first.
macro_rules! round {
    ($w:ident, $first:literal, $i:literal, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        if $first > 0 {
            let earlier = add($w[$i], $w[($i + 9) % 16]);
            let mixed = add(small_sigma0($w[($i + 1) % 16]), small_sigma1($w[($i + 14) % 16]));
            $w[$i] = add(earlier, mixed);
        }
        let input = add($h, add($w[$i], splat(K[$first + $i])));
        let t1 = add(input, add(big_sigma1($e), choose($e, $f, $g)));
        $d = add($d, t1);
        $h = add(t1, add(big_sigma0($a), majority($a, $b, $c)));
    };
}

pub(super) use {compress_block, round, sixteen_rounds, vector_kernel};
