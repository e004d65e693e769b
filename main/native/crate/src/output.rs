//! Buffers of the caller that results are written into.

use napi::bindgen_prelude::*;
use napi::sys;
use std::ops::{Deref, DerefMut};

/// A `Uint8Array` that JS handed over to be written, for the time of one synchronous call.
pub struct Output<'call>(Uint8ArraySlice<'call>);

impl Deref for Output<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Output<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: no JS runs during a synchronous call, `checked.ts` passes fresh or the caller's own unshared memory, and no
        // other argument of the same call views the bytes of an output.
        unsafe { self.0.as_mut() }
    }
}

impl FromNapiValue for Output<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise about `env` and `value` is passed on.
        unsafe { Uint8ArraySlice::from_napi_value(env, value) }.map(Output)
    }
}

impl TypeName for Output<'_> {
    fn type_name() -> &'static str {
        Uint8ArraySlice::type_name()
    }

    fn value_type() -> ValueType {
        Uint8ArraySlice::value_type()
    }
}

impl ValidateNapiValue for Output<'_> {}
