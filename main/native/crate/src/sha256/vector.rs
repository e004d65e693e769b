//! SHA-256 in every lane of a vector register, over any width.
//!
//! All of it is inlined into one function per instruction set (`avx512`, `avx2`), which enables the features.

use super::{IV, K, LaneBlock, LaneState, PADDING_32, State};

/// A register of 32-bit lanes.
///
/// # Safety
/// Every method needs the CPU features of its implementation.
pub trait Vector: Copy {
    const WIDTH: usize;

    /// # Safety
    /// `words` points at `WIDTH` readable words.
    unsafe fn load(words: *const u32) -> Self;
    /// # Safety
    /// `words` points at `WIDTH` writable words.
    unsafe fn store(self, words: *mut u32);
    unsafe fn splat(word: u32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn choose(e: Self, f: Self, g: Self) -> Self;
    unsafe fn majority(a: Self, b: Self, c: Self) -> Self;
    /// Σ0, Σ1, σ0 and σ1 of FIPS 180-4 §4.1.2.
    unsafe fn big_sigma0(self) -> Self;
    unsafe fn big_sigma1(self) -> Self;
    unsafe fn small_sigma0(self) -> Self;
    unsafe fn small_sigma1(self) -> Self;
}

/// Rounds `FIRST` to `FIRST + 15`. `w` is the window of sixteen message words, advanced first where `FIRST` is not 0.
#[inline(always)]
unsafe fn sixteen_rounds<V: Vector, const FIRST: usize>(state: &mut [V; 8], w: &mut [V; 16]) {
    macro_rules! round {
        ($i:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
            // SAFETY: the caller guarantees the features.
            unsafe {
                if FIRST > 0 {
                    let (w1, w9, w14) = (w[($i + 1) % 16], w[($i + 9) % 16], w[($i + 14) % 16]);
                    w[$i] = w[$i].add(w1.small_sigma0()).add(w9.add(w14.small_sigma1()));
                }
                let wk = w[$i].add(V::splat(K[FIRST + $i]));
                let t1 = $h.add(wk).add($e.big_sigma1().add(V::choose($e, $f, $g)));
                $d = $d.add(t1);
                $h = t1.add($a.big_sigma0().add(V::majority($a, $b, $c)));
            }
        };
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    round!(0, a b c d e f g h);
    round!(1, h a b c d e f g);
    round!(2, g h a b c d e f);
    round!(3, f g h a b c d e);
    round!(4, e f g h a b c d);
    round!(5, d e f g h a b c);
    round!(6, c d e f g h a b);
    round!(7, b c d e f g h a);
    round!(8, a b c d e f g h);
    round!(9, h a b c d e f g);
    round!(10, g h a b c d e f);
    round!(11, f g h a b c d e);
    round!(12, e f g h a b c d);
    round!(13, d e f g h a b c);
    round!(14, c d e f g h a b);
    round!(15, b c d e f g h a);
    *state = [a, b, c, d, e, f, g, h];
}

/// # Safety
/// The CPU has the features of `V`.
#[inline(always)]
unsafe fn compress_block<V: Vector>(before: &[V; 8], mut w: [V; 16]) -> [V; 8] {
    let mut state = *before;
    // SAFETY: the caller guarantees the features.
    unsafe {
        sixteen_rounds::<V, 0>(&mut state, &mut w);
        sixteen_rounds::<V, 16>(&mut state, &mut w);
        sixteen_rounds::<V, 32>(&mut state, &mut w);
        sixteen_rounds::<V, 48>(&mut state, &mut w);
        std::array::from_fn(|i| state[i].add(before[i]))
    }
}

/// # Safety
/// The CPU has the features of `V`.
#[inline(always)]
pub unsafe fn compress<V: Vector>(states: &mut LaneState, blocks: &LaneBlock) {
    for first in (0..super::LANES).step_by(V::WIDTH) {
        // SAFETY: rows are `LANES` long, a multiple of the width; the caller guarantees the features.
        unsafe {
            let before = std::array::from_fn(|i| V::load(&raw const states[i][first]));
            let block = std::array::from_fn(|i| V::load(&raw const blocks[i][first]));
            let after = compress_block::<V>(&before, block);
            for i in 0..8 {
                after[i].store(&raw mut states[i][first]);
            }
        }
    }
}

/// Chains fill the register; a last portion that does not is padded with idle lanes.
///
/// # Safety
/// The CPU has the features of `V`.
#[inline(always)]
pub unsafe fn chain<V: Vector>(states: &mut [State], iterations: u64) {
    for portion in states.chunks_mut(V::WIDTH) {
        let mut rows: LaneState = [[0; super::LANES]; 8];
        for (lane, state) in portion.iter().enumerate() {
            for i in 0..8 {
                rows[i][lane] = state[i];
            }
        }
        // SAFETY: rows are at least as long as the register; the caller guarantees the features.
        unsafe {
            let iv: [V; 8] = std::array::from_fn(|i| V::splat(IV[i]));
            let mut value: [V; 8] = std::array::from_fn(|i| V::load(rows[i].as_ptr()));
            for _ in 0..iterations {
                let block = std::array::from_fn(|i| if i < 8 { value[i] } else { V::splat(PADDING_32[i - 8]) });
                value = compress_block::<V>(&iv, block);
            }
            for i in 0..8 {
                value[i].store(rows[i].as_mut_ptr());
            }
        }
        for (lane, state) in portion.iter_mut().enumerate() {
            *state = std::array::from_fn(|i| rows[i][lane]);
        }
    }
}
