//! A job object that the system ends together with its last handle, which is this process's.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

use std::io;
use std::process::{Command, ExitCode};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

pub fn run(mut command: Command) -> io::Result<ExitCode> {
    enter_job()?;
    // Started inside the job, so at no moment outside it.
    let status = command.spawn()?.wait()?;
    // A status of Windows has 32 bits; what counts beyond the low byte is only that it is not zero.
    Ok(match status.code() {
        Some(0) => ExitCode::SUCCESS,
        Some(code) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1).max(1)),
        None => ExitCode::FAILURE,
    })
}

/// Puts this process, and so all that it starts, into a job of its own. The handle is never closed: the system does that
/// when this process ends, and ends what else is in the job.
fn enter_job() -> io::Result<()> {
    // SAFETY: a job without name and with default security; both pointers may be null.
    let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
    if job.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is plain data for which zeros are valid.
    let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = unsafe { std::mem::zeroed() };
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() as u32;
    // SAFETY: `job` is an open handle, and `limits` is valid for reads of `size` bytes.
    let set =
        unsafe { SetInformationJobObject(job, JobObjectExtendedLimitInformation, (&raw const limits).cast(), size) };
    if set == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both are open handles; that of the current process is a constant that needs no closing.
    if unsafe { AssignProcessToJobObject(job, GetCurrentProcess()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
