//! The add-on of `main/native`: what `addon.ts` declares, each function a few lines over the module that does the work.
//!
//! Lengths have been checked by `checked.ts`; here a wrong one is an error again, never a panic. Results are written into
//! buffers of the caller, so that secrets exist in one place that the caller can wipe. A panic becomes a JS error.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod batch;
mod bench;
mod chain;
mod merkle;
mod mldsa;
mod mldsa_key;
mod mlkem;
mod output;
mod segments;
mod sha256;
mod symmetric;
mod threads;

use napi::bindgen_prelude::*;
use napi::{Env, JsDeferred};
use napi_derive::napi;
use output::Output;
use sha2::Digest;
use sha256::Kernel;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use threads::Priority;
use zeroize::Zeroize;

fn fixed<const N: usize>(bytes: &[u8]) -> Result<&[u8; N]> {
    bytes.try_into().map_err(|_| invalid("length of a buffer"))
}

fn fixed_mut<const N: usize>(bytes: &mut [u8]) -> Result<&mut [u8; N]> {
    bytes.try_into().map_err(|_| invalid("length of a buffer"))
}

fn invalid(what: &str) -> Error {
    Error::new(Status::InvalidArg, what)
}

/// Copies a secret out and wipes what was copied from.
fn give<const N: usize>(mut secret: [u8; N], to: &mut [u8]) -> Result<()> {
    *fixed_mut(to)? = secret;
    secret.zeroize();
    Ok(())
}

/// Iteration counts arrive as numbers below 2^53.
fn count(iterations: f64) -> Result<u64> {
    let whole = iterations as u64;
    if whole as f64 == iterations { Ok(whole) } else { Err(invalid("iteration count")) }
}

fn kernel(name: Option<String>, fastest: fn() -> &'static Kernel) -> Result<&'static Kernel> {
    match name {
        None => Ok(fastest()),
        Some(name) => sha256::kernel_named(&name).ok_or_else(|| invalid("kernel name")),
    }
}

#[napi(object)]
pub struct Kernels {
    /// The one for a single chain, and the one for many.
    pub chain: String,
    pub lanes: String,
    /// All that passed their self-test, and all that did not.
    pub usable: Vec<String>,
    pub failed: Vec<String>,
}

#[napi(catch_unwind)]
pub fn kernels() -> Kernels {
    let choice = sha256::choice();
    let owned = |name: &&str| String::from(*name);
    Kernels {
        chain: sha256::kernel_for(1).name.into(),
        lanes: sha256::lane_kernel().name.into(),
        usable: choice.usable.iter().map(|kernel| kernel.name.into()).collect(),
        failed: choice.failed.iter().map(owned).collect(),
    }
}

#[napi(catch_unwind)]
pub fn sha256(message: &[u8], mut digest: Output) -> Result<()> {
    *fixed_mut(&mut digest)? = sha2::Sha256::digest(message).into();
    Ok(())
}

#[napi(catch_unwind)]
pub fn sha256_batch(
    messages: &[u8],
    message_length: u32,
    mut digests: Output,
    kernel_name: Option<String>,
) -> Result<()> {
    if messages.len() != digests.len() / 32 * message_length as usize {
        return Err(invalid("length of a buffer"));
    }
    batch::hash(kernel(kernel_name, sha256::lane_kernel)?, messages, message_length as usize, &mut digests);
    Ok(())
}

#[napi(catch_unwind)]
pub fn fold_lone_leaves(
    keys: &[u8],
    mut hashes: Output,
    from_levels: &[u16],
    to_levels: &[u16],
    kernel_name: Option<String>,
) -> Result<()> {
    let items = from_levels.len();
    if to_levels.len() != items || keys.len() != 32 * items || hashes.len() != 32 * items {
        return Err(invalid("length of a buffer"));
    }
    if to_levels.iter().any(|&level| usize::from(level) > merkle::DEPTH) {
        return Err(invalid("level"));
    }
    let kernel = kernel_name.map(|name| kernel(Some(name), sha256::lane_kernel)).transpose()?;
    merkle::fold(kernel, keys, &mut hashes, from_levels, to_levels);
    Ok(())
}

#[napi(catch_unwind)]
pub fn sha256_chain(value: &[u8], iterations: f64, mut end: Output, kernel_name: Option<String>) -> Result<()> {
    let kernel = kernel(kernel_name, || sha256::kernel_for(1))?;
    *fixed_mut(&mut end)? = chain::advance(kernel, fixed(value)?, count(iterations)?);
    Ok(())
}

/// One run over many segments. Made before it starts, so that it can be looked at and cancelled while it runs.
#[napi]
#[derive(Default)]
pub struct SegmentRun {
    progress: Arc<segments::Progress>,
}

#[napi]
impl SegmentRun {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the run on threads of its own. Gives a byte for each segment, or null when cancelled.
    #[napi(catch_unwind)]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        starts: &[u8],
        iterations: &[f64],
        claimed_ends: &[u8],
        threads: u32,
        kernel_name: Option<String>,
    ) -> Result<Object<'env>> {
        let (starts, ends) = (starts.as_chunks().0, claimed_ends.as_chunks().0);
        if starts.len() != iterations.len() || ends.len() != iterations.len() || threads == 0 {
            return Err(invalid("length of a buffer"));
        }
        let kernel = kernel_name.map(|name| kernel(Some(name), sha256::lane_kernel)).transpose()?;
        let mut segments = Vec::with_capacity(starts.len());
        for ((start, end), &iterations) in starts.iter().zip(ends).zip(iterations) {
            segments.push(segments::Segment {
                start: sha256::words(start),
                iterations: count(iterations)?,
                claimed_end: sha256::words(end),
            });
        }
        let progress = Arc::clone(&self.progress);
        let (deferred, promise) = promise(env)?;
        threads::spawn("montana-segments", move || {
            settle(deferred, || {
                segments::verify(&segments, threads as usize, kernel, &progress)
                    .map(|valid| valid.into_iter().map(u8::from).collect())
            });
        });
        Ok(promise)
    }

    /// Hashes computed so far.
    #[napi]
    pub fn done(&self) -> f64 {
        self.progress.done.load(Ordering::Relaxed) as f64
    }

    #[napi]
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }
}

type Flags = Option<Uint8Array>;
type Deferred = JsDeferred<Flags, Box<dyn FnOnce(Env) -> Result<Flags> + Send>>;

fn promise(env: &Env) -> Result<(Deferred, Object<'_>)> {
    env.create_deferred()
}

/// Runs `work` on this thread and settles the promise with what it gives, or rejects when it panics.
fn settle(deferred: Deferred, work: impl FnOnce() -> Option<Vec<u8>>) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(flags) => deferred.resolve(Box::new(move |_| Ok(flags.map(Uint8Array::from)))),
        Err(_) => deferred.reject(Error::from_reason("panic in the add-on")),
    }
}

#[napi(catch_unwind)]
pub fn mldsa_generate(seed: &[u8], mut public_key: Output, mut secret_key: Output) -> Result<()> {
    mldsa::generate(fixed(seed)?, fixed_mut(&mut public_key)?, fixed_mut(&mut secret_key)?);
    Ok(())
}

#[napi(catch_unwind)]
pub fn mldsa_sign(secret_key: &[u8], message: &[u8], context: &[u8], mut signature: Output) -> Result<bool> {
    let signed = mldsa::sign(fixed(secret_key)?, message, context);
    if let Some(bytes) = signed {
        *fixed_mut(&mut signature)? = bytes;
    }
    Ok(signed.is_some())
}

#[napi(catch_unwind)]
pub fn mldsa_verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool> {
    Ok(mldsa::verify(fixed(public_key)?, message, fixed(signature)?))
}

fn batch<'a>(
    public_keys: &'a [u8],
    messages: &'a [u8],
    message_ends: &'a [u32],
    signatures: &'a [u8],
) -> Result<mldsa::Batch<'a>> {
    let jobs = message_ends.len();
    let ends_fit = message_ends.is_sorted() && message_ends.last().map_or(0, |&end| end as usize) == messages.len();
    if !ends_fit || public_keys.len() != jobs * mldsa::PUBLIC_KEY || signatures.len() != jobs * mldsa::SIGNATURE {
        return Err(invalid("length of a buffer"));
    }
    Ok(mldsa::Batch { public_keys, messages, message_ends, signatures })
}

/// Blocks; uses all cores.
#[napi(catch_unwind)]
pub fn mldsa_verify_batch(
    public_keys: &[u8],
    messages: &[u8],
    message_ends: &[u32],
    signatures: &[u8],
    mut valid: Output,
) -> Result<()> {
    let batch = batch(public_keys, messages, message_ends, signatures)?;
    if valid.len() != batch.len() {
        return Err(invalid("length of a buffer"));
    }
    batch.verify_all(threads::cores(), &mut valid);
    Ok(())
}

/// On the pool; gives a byte for each job.
#[napi(catch_unwind)]
pub fn mldsa_verify_batch_async<'env>(
    env: &'env Env,
    public_keys: &[u8],
    messages: &[u8],
    message_ends: &[u32],
    signatures: &[u8],
) -> Result<Object<'env>> {
    struct Work {
        public_keys: Vec<u8>,
        messages: Vec<u8>,
        message_ends: Vec<u32>,
        signatures: Vec<u8>,
        next: AtomicUsize,
        outcome: Mutex<Outcome>,
    }
    struct Outcome {
        valid: Vec<u8>,
        missing: usize,
        /// Taken by who adds the last result.
        deferred: Option<Deferred>,
    }
    batch(public_keys, messages, message_ends, signatures)?;
    let (deferred, promise) = promise(env)?;
    let jobs = message_ends.len();
    if jobs == 0 {
        settle(deferred, || Some(Vec::new()));
        return Ok(promise);
    }
    let work = Arc::new(Work {
        public_keys: public_keys.to_vec(),
        messages: messages.to_vec(),
        message_ends: message_ends.to_vec(),
        signatures: signatures.to_vec(),
        next: AtomicUsize::new(0),
        outcome: Mutex::new(Outcome { valid: vec![0; jobs], missing: jobs, deferred: Some(deferred) }),
    });
    let pool = threads::pool();
    for _ in 0..pool.threads.min(jobs) {
        let work = Arc::clone(&work);
        pool.submit(Box::new(move || {
            let batch = mldsa::Batch {
                public_keys: &work.public_keys,
                messages: &work.messages,
                message_ends: &work.message_ends,
                signatures: &work.signatures,
            };
            loop {
                let i = work.next.fetch_add(1, Ordering::Relaxed);
                if i >= jobs {
                    return;
                }
                // A panic in a signature check counts as an invalid signature, and the others are still checked.
                let valid = catch_unwind(AssertUnwindSafe(|| batch.verify(i))).unwrap_or(false);
                let mut outcome = work.outcome.lock().unwrap();
                outcome.valid[i] = valid.into();
                outcome.missing -= 1;
                if outcome.missing == 0
                    && let Some(deferred) = outcome.deferred.take()
                {
                    let flags = std::mem::take(&mut outcome.valid);
                    settle(deferred, || Some(flags));
                }
            }
        }));
    }
    Ok(promise)
}

#[napi(catch_unwind)]
pub fn mldsa_public_key_of(secret_key: &[u8], mut public_key: Output) -> Result<bool> {
    let derived = mldsa_key::public_key_of(fixed(secret_key)?);
    if let Some(bytes) = derived {
        *fixed_mut(&mut public_key)? = bytes;
    }
    Ok(derived.is_some())
}

#[napi(catch_unwind)]
pub fn mlkem_generate(seed: &[u8], mut public_key: Output, mut secret_key: Output) -> Result<()> {
    mlkem::generate(fixed(seed)?, fixed_mut(&mut public_key)?, fixed_mut(&mut secret_key)?);
    Ok(())
}

#[napi(catch_unwind)]
pub fn mlkem_encapsulate(
    public_key: &[u8],
    randomness: &[u8],
    mut ciphertext: Output,
    mut shared_secret: Output,
) -> Result<bool> {
    let Some((sent, secret)) = mlkem::encapsulate(fixed(public_key)?, fixed(randomness)?) else {
        return Ok(false);
    };
    *fixed_mut(&mut ciphertext)? = sent;
    give(secret, &mut shared_secret)?;
    Ok(true)
}

#[napi(catch_unwind)]
pub fn mlkem_decapsulate(secret_key: &[u8], ciphertext: &[u8], mut shared_secret: Output) -> Result<bool> {
    let Some(secret) = mlkem::decapsulate(fixed(secret_key)?, fixed(ciphertext)?) else {
        return Ok(false);
    };
    give(secret, &mut shared_secret)?;
    Ok(true)
}

#[napi(catch_unwind)]
pub fn mlkem_check_secret_key(secret_key: &[u8]) -> Result<bool> {
    Ok(mlkem::secret_key_is_consistent(fixed(secret_key)?))
}

#[napi(catch_unwind)]
pub fn hmac_sha256(key: &[u8], message: &[u8], mut mac: Output) -> Result<()> {
    give(symmetric::hmac_sha256(key, message), &mut mac)
}

#[napi(catch_unwind)]
pub fn pbkdf2_hmac_sha256(password: &[u8], salt: &[u8], iterations: u32, mut derived: Output) {
    symmetric::pbkdf2_hmac_sha256(password, salt, iterations, &mut derived);
}

#[napi(catch_unwind)]
pub fn aead_seal(key: &[u8], nonce: &[u8], data: &[u8], plaintext: &[u8], mut sealed: Output) -> Result<()> {
    symmetric::seal(fixed(key)?, fixed(nonce)?, data, plaintext, &mut sealed)
        .ok_or_else(|| invalid("length of a buffer"))
}

#[napi(catch_unwind)]
pub fn aead_open(key: &[u8], nonce: &[u8], data: &[u8], sealed: &[u8], mut plaintext: Output) -> Result<bool> {
    Ok(symmetric::open(fixed(key)?, fixed(nonce)?, data, sealed, &mut plaintext).is_some())
}

#[napi(catch_unwind)]
pub fn x25519_public_key(secret_key: &[u8], mut public_key: Output) -> Result<()> {
    *fixed_mut(&mut public_key)? = symmetric::x25519_public(fixed(secret_key)?);
    Ok(())
}

#[napi(catch_unwind)]
pub fn x25519_shared_secret(secret_key: &[u8], public_key: &[u8], mut shared_secret: Output) -> Result<bool> {
    let Some(secret) = symmetric::x25519_shared(fixed(secret_key)?, fixed(public_key)?) else {
        return Ok(false);
    };
    give(secret, &mut shared_secret)?;
    Ok(true)
}

#[napi(catch_unwind, js_name = "argon2id")]
pub fn argon2id(
    password: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    mut derived: Output,
) -> Result<bool> {
    Ok(symmetric::argon2id(password, salt, memory_kib, passes, lanes, &mut derived).is_some())
}

#[napi(catch_unwind)]
pub fn set_thread_priority(priority: String) -> Result<bool> {
    let priority = match priority.as_str() {
        "normal" => Priority::Normal,
        "low" => Priority::Low,
        "background" => Priority::Background,
        _ => return Err(invalid("priority")),
    };
    Ok(threads::set_priority(priority))
}

#[napi(catch_unwind)]
pub fn bench_rounds_alone(value: &[u8], steps: f64, mut end: Output) -> Result<bool> {
    let ran = bench::rounds_alone(fixed(value)?, count(steps)?);
    if let Some(bytes) = ran {
        *fixed_mut(&mut end)? = bytes;
    }
    Ok(ran.is_some())
}

#[napi(catch_unwind)]
pub fn bench_sha2_chain(value: &[u8], iterations: f64, mut end: Output) -> Result<()> {
    *fixed_mut(&mut end)? = bench::sha2_chain(fixed(value)?, count(iterations)?);
    Ok(())
}
