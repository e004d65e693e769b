//! Checks of many stretches of a chain (chapter 03 §4.3): the stretches are independent, so each thread runs several side by
//! side, and starts the next one where one ends.

use crate::sha256::{self, Kernel, LANES, State};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Hashes of one lane between two looks at progress and cancellation; some 10 ms.
const SLICE_ITERATIONS: u64 = 1 << 16;

pub struct Segment {
    pub start: State,
    pub iterations: u64,
    pub claimed_end: State,
}

/// What the threads of one run share with who started it.
#[derive(Default)]
pub struct Progress {
    /// Hashes computed so far, over all segments.
    pub done: AtomicU64,
    pub cancelled: AtomicBool,
}

struct Lane {
    segment: usize,
    remaining: u64,
}

/// Says for each segment whether its claim holds, or `None` when cancelled. Blocks; runs on `threads` threads of its own,
/// each with `kernel`, or with the fastest for as many lanes as it has.
pub fn verify(
    segments: &[Segment],
    threads: usize,
    kernel: Option<&'static Kernel>,
    progress: &Progress,
) -> Option<Vec<bool>> {
    let next = &Mutex::new(0..segments.len());
    // Few segments are spread over all threads rather than packed into the lanes of one.
    let lanes_max = segments.len().div_ceil(threads).clamp(1, LANES);
    let mut valid = vec![false; segments.len()];
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(segments.len()))
            .map(|_| scope.spawn(move || run_lanes(segments, next, lanes_max, kernel, progress)))
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(held) => held.into_iter().for_each(|segment| valid[segment] = true),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (!progress.cancelled.load(Ordering::Relaxed)).then_some(valid)
}

/// One thread's work: the segments among those it took whose claim holds.
fn run_lanes(
    segments: &[Segment],
    next: &Mutex<std::ops::Range<usize>>,
    lanes_max: usize,
    kernel: Option<&'static Kernel>,
    progress: &Progress,
) -> Vec<usize> {
    let mut held = Vec::new();
    let mut lanes: Vec<Lane> = Vec::new();
    let mut states: Vec<State> = Vec::new();
    while !progress.cancelled.load(Ordering::Relaxed) {
        while lanes.len() < lanes_max
            && let Some(segment) = next.lock().unwrap().next()
        {
            lanes.push(Lane { segment, remaining: segments[segment].iterations });
            states.push(segments[segment].start);
        }
        let Some(shortest) = lanes.iter().map(|lane| lane.remaining).min() else { break };
        let iterations = shortest.min(SLICE_ITERATIONS);
        kernel.unwrap_or_else(|| sha256::kernel_for(lanes.len())).chain(&mut states, iterations);
        progress.done.fetch_add(iterations * lanes.len() as u64, Ordering::Relaxed);
        for i in (0..lanes.len()).rev() {
            lanes[i].remaining -= iterations;
            if lanes[i].remaining == 0 {
                let segment = lanes.swap_remove(i).segment;
                if states.swap_remove(i) == segments[segment].claimed_end {
                    held.push(segment);
                }
            }
        }
    }
    held
}
