//! Starts an executable from the descriptor on which it was checked, with nothing of this process but its standard streams.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::ptr;

use crate::sys::{boot_ms, check, poll, process_descriptor, send_signal};

pub struct Program<'a> {
    pub file: &'a File,
    /// The name by which it is called, then its arguments.
    pub arguments: &'a [&'a str],
    /// What it may be; None: what this process is.
    pub rights: Option<Rights>,
}

/// A user without anything but CAP_NET_ADMIN, whatever it executes.
#[derive(Clone, Copy)]
pub struct Rights {
    pub uid: u32,
    pub gid: u32,
}

const CAP_NET_ADMIN: u32 = 12;
const CAPABILITY_VERSION: u32 = 0x2008_0522;
const CAPABILITIES_MAX: libc::c_ulong = 64;
const SECBIT_NOROOT: libc::c_ulong = 1;
const SECBIT_NOROOT_LOCKED: libc::c_ulong = 1 << 1;
const SECBIT_KEEP_CAPS: libc::c_ulong = 1 << 4;

/// Dies with this process. The standard streams are given as they are to the executable.
pub fn start(program: &Program, input: Stdio, output: Stdio, errors: Stdio) -> io::Result<Child> {
    let arguments = program.arguments.iter().map(|text| CString::new(*text)).collect::<Result<Vec<_>, _>>()?;
    let file = program.file.as_raw_fd();
    let rights = program.rights;
    let parent = std::process::id() as libc::pid_t;
    // The name stands for nothing: what is executed is the descriptor.
    let mut command = Command::new("/");
    command.stdin(input).stdout(output).stderr(errors).current_dir("/");
    let prepare = move || {
        // SAFETY: runs in the child, which has one thread and nothing to keep.
        unsafe {
            if let Some(rights) = rights {
                become_user(rights)?;
            }
            isolate(parent)?;
            execute(file, &arguments)
        }
    };
    // SAFETY: this process has one thread, so nothing is held by another at the fork.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

/// Runs a short program to its end with the text as input. None: it did not end in time, and was killed.
pub fn run(program: &Program, input: &str, timeout_ms: u64) -> io::Result<Option<ExitStatus>> {
    let mut child = start(program, Stdio::piped(), Stdio::null(), Stdio::null())?;
    let mut stdin = child.stdin.take().expect("the input is a pipe");
    // One that ends before it has read all is told by its status. The text is far smaller than a pipe holds.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let ended = process_descriptor(child.id())?;
    let mut entries = [libc::pollfd { fd: ended.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
    let deadline = boot_ms() + timeout_ms;
    while entries[0].revents == 0 && boot_ms() < deadline {
        poll(&mut entries, Some(deadline.saturating_sub(boot_ms())))?;
    }
    if entries[0].revents == 0 {
        send_signal(ended.as_fd(), libc::SIGKILL)?;
        child.wait()?;
        return Ok(None);
    }
    child.wait().map(Some)
}

unsafe fn become_user(rights: Rights) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    #[repr(C)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    // SAFETY: system calls; the pointers are to values that live through them.
    unsafe {
        // Without the meaning of uid 0: a root that is the user has no more than another user.
        check(libc::prctl(libc::PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS))?;
        for capability in (0..CAPABILITIES_MAX).filter(|capability| *capability != CAP_NET_ADMIN.into()) {
            // The first number that the kernel does not know is the end.
            if libc::prctl(libc::PR_CAPBSET_DROP, capability) < 0 {
                let error = io::Error::last_os_error();
                if error.raw_os_error() != Some(libc::EINVAL) {
                    return Err(error);
                }
                break;
            }
        }
        check(libc::setgroups(0, ptr::null()))?;
        check(libc::setresgid(rights.gid, rights.gid, rights.gid))?;
        check(libc::setresuid(rights.uid, rights.uid, rights.uid))?;
        let set = 1 << CAP_NET_ADMIN;
        let header = Header { version: CAPABILITY_VERSION, pid: 0 };
        let sets = [
            Sets { effective: set, permitted: set, inheritable: set },
            Sets { effective: 0, permitted: 0, inheritable: 0 },
        ];
        check(libc::syscall(libc::SYS_capset, &raw const header, &raw const sets) as libc::c_int)?;
        let raise = libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong;
        check(libc::prctl(
            libc::PR_CAP_AMBIENT,
            raise,
            libc::c_ulong::from(CAP_NET_ADMIN),
            0 as libc::c_ulong,
            0 as libc::c_ulong,
        ))?;
        let no_cores = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        check(libc::setrlimit(libc::RLIMIT_CORE, &no_cores)).map(|_| ())
    }
}

/// After `become_user`, which makes the kernel forget the signal of the parent's death.
unsafe fn isolate(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: system calls that touch no memory.
    unsafe {
        let one: libc::c_ulong = 1;
        let zero: libc::c_ulong = 0;
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, zero, zero, zero))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong))?;
        // The parent died before the kernel was asked.
        if libc::getppid() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        check(libc::setsid())?;
        // All of this process's are closed at execution already; this holds for any that might not be. Kernels before 5.11
        // do not know it.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        Ok(())
    }
}

/// Only comes back with an error.
unsafe fn execute(file: libc::c_int, arguments: &[CString]) -> io::Result<()> {
    const ARGUMENTS_MAX: usize = 7;
    let mut pointers = [ptr::null::<libc::c_char>(); ARGUMENTS_MAX + 1];
    if arguments.len() > ARGUMENTS_MAX {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    for (pointer, argument) in pointers.iter_mut().zip(arguments) {
        *pointer = argument.as_ptr();
    }
    let no_environment = [ptr::null::<libc::c_char>()];
    // SAFETY: both lists end with a null pointer, and all that they point to lives through the call.
    unsafe {
        let flags = libc::AT_EMPTY_PATH;
        libc::syscall(libc::SYS_execveat, file, c"".as_ptr(), pointers.as_ptr(), no_environment.as_ptr(), flags);
    }
    Err(io::Error::last_os_error())
}
