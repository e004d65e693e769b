//! Two threads: one waits for the command, one for the host.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Where the host has put its socket.
const LIFELINE: i32 = 3;
/// The command may tidy up for so long before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Whether the command has ended, and word of it. Its process id stays its own until the main thread, after it has said so
/// here, collects the status: a signal sent under the lock reaches no stranger.
type Ended = (Mutex<bool>, Condvar);

pub fn run(mut command: Command) -> io::Result<ExitCode> {
    let mut lifeline = open_lifeline()?;
    die_with_this_thread(&mut command);
    let mut child = command.spawn()?;
    let id = child.id();
    let ended: Arc<Ended> = Arc::default();
    // A host that is gone already reads nothing; the other thread sees that.
    let _ = lifeline.write_all(format!("{id}\n").as_bytes());
    thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            wait_for_close(&mut lifeline);
            end(id, &ended);
        }
    });
    wait_without_collecting(id)?;
    *ended.0.lock().expect("no thread panics with the lock") = true;
    ended.1.notify_all();
    let status = child.wait()?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(code as u8))
}

fn open_lifeline() -> io::Result<File> {
    // SAFETY: F_SETFD changes a flag of a descriptor and touches no memory; a closed one is an error.
    // The command must not hold the socket open after the guard.
    if unsafe { libc::fcntl(LIFELINE, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "descriptor 3 is not open"));
    }
    // SAFETY: the descriptor is open, and the host has put it there for the guard alone.
    Ok(unsafe { File::from_raw_fd(LIFELINE) })
}

/// On Linux the kernel kills the command when the guard itself is killed. Elsewhere the host does, which sees the guard end.
#[cfg(target_os = "linux")]
fn die_with_this_thread(command: &mut Command) {
    let guard = std::process::id() as libc::pid_t;
    let ask = move || {
        // SAFETY: prctl and getppid are system calls that touch no memory of this process.
        let (answer, parent) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
        if answer < 0 {
            return Err(io::Error::last_os_error());
        }
        // The guard died before the kernel was asked.
        if parent != guard {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are made, and nothing is allocated.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_this_thread(_: &mut Command) {}

/// What the host says is ignored: only that it can still speak counts.
fn wait_for_close(lifeline: &mut File) {
    let mut ignored = [0; 64];
    loop {
        match lifeline.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn end(id: u32, (ended, word): &Ended) {
    let guard = ended.lock().expect("no thread panics with the lock");
    if *guard {
        return;
    }
    send(id, libc::SIGTERM);
    let (guard, _) = word.wait_timeout_while(guard, GRACE, |ended| !*ended).expect("no thread panics with the lock");
    if !*guard {
        send(id, libc::SIGKILL);
    }
}

fn send(id: u32, signal: i32) {
    // SAFETY: kill touches no memory; the caller holds the lock that keeps the id the command's.
    unsafe { libc::kill(id as libc::pid_t, signal) };
}

fn wait_without_collecting(id: u32) -> io::Result<()> {
    loop {
        // SAFETY: siginfo_t is plain data for which zeros are valid.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is valid for writes until the call returns.
        if unsafe { libc::waitid(libc::P_PID, id, &mut info, libc::WEXITED | libc::WNOWAIT) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
