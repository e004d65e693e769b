//! System calls that the standard library lacks. All of the program's unsafe code is here and in `engine.rs`.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

pub fn check(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

fn check_long(answer: libc::c_long) -> io::Result<RawFd> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer as RawFd) }
}

/// # Safety
/// `raw` is an open descriptor that nothing else owns.
unsafe fn own(raw: RawFd) -> OwnedFd {
    // SAFETY: as the caller promises.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

/// Waits until one of them is ready or the time is over. An interruption counts as the end of the time.
pub fn poll(entries: &mut [libc::pollfd], timeout_ms: Option<u64>) -> io::Result<()> {
    let timeout = timeout_ms.map_or(-1, |ms| ms.min(60_000) as libc::c_int);
    // SAFETY: the slice is valid for reads and writes, and its length is given.
    let answer = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
    match check(answer) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            entries.iter_mut().for_each(|entry| entry.revents = 0);
            Ok(())
        }
        answer => answer.map(|_| ()),
    }
}

/// Becomes readable when the program is asked to end; it does not end by itself any more.
pub fn end_signals() -> io::Result<OwnedFd> {
    // SAFETY: sigset_t is plain data, filled by sigemptyset before it is read; all pointers are valid for the calls.
    unsafe {
        let mut signals: libc::sigset_t = mem::zeroed();
        check(libc::sigemptyset(&mut signals))?;
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            check(libc::sigaddset(&mut signals, signal))?;
        }
        check(libc::sigprocmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut()))?;
        check(libc::signalfd(-1, &signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)).map(|raw| own(raw))
    }
}

pub struct Peer {
    pub uid: u32,
    pub gid: u32,
}

pub fn peer_of(stream: &UnixStream) -> io::Result<Peer> {
    // SAFETY: ucred is plain data for which zeros are valid; the pointers are valid for the call and the length is that of the
    // value.
    unsafe {
        let mut peer: libc::ucred = mem::zeroed();
        let mut length = mem::size_of::<libc::ucred>() as libc::socklen_t;
        let value = (&raw mut peer).cast();
        check(libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, value, &mut length))?;
        Ok(Peer { uid: peer.uid, gid: peer.gid })
    }
}

/// A file in memory that holds the bytes, at its beginning.
pub fn memory_file(bytes: &[u8]) -> io::Result<File> {
    // SAFETY: the name ends with a zero; the descriptor is new and owned here alone.
    let mut file = unsafe { File::from(own(check(libc::memfd_create(c"config".as_ptr(), libc::MFD_CLOEXEC))?)) };
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Becomes readable when the process has ended.
pub fn process_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: touches no memory; the descriptor is new (close-on-exec by itself) and owned here alone.
    unsafe { check_long(libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0)).map(|raw| own(raw)) }
}

pub fn send_signal(process: BorrowedFd, signal: libc::c_int) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null pointer stands for the ordinary information; touches no other memory.
    check_long(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, no_info, 0) })
        .map(|_| ())
}

pub fn set_nonblocking(descriptor: BorrowedFd) -> io::Result<()> {
    // SAFETY: fcntl with these commands touches no memory.
    unsafe {
        let flags = check(libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFL))?;
        check(libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)).map(|_| ())
    }
}

/// Milliseconds since the machine started, time of sleep included.
pub fn boot_ms() -> u64 {
    // SAFETY: timespec is plain data for which zeros are valid; the pointer is valid for the call, which cannot fail.
    let now = unsafe {
        let mut now: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now);
        now
    };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

pub fn is_root() -> bool {
    // SAFETY: touches no memory and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Files are made for their owner alone, unless said otherwise.
pub fn make_private() {
    // SAFETY: touches no memory and cannot fail.
    unsafe { libc::umask(0o077) };
}

/// A netlink socket that waits at most so long for an answer.
pub fn netlink_socket(protocol: libc::c_int, groups: &[u32], timeout_s: i64) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: touches no memory; the descriptor is new and owned here alone.
    let socket = unsafe { own(check(libc::socket(libc::AF_NETLINK, kind, protocol))?) };
    // SAFETY: sockaddr_nl is plain data for which zeros are valid; the length is that of the value.
    unsafe {
        let mut address: libc::sockaddr_nl = mem::zeroed();
        address.nl_family = libc::AF_NETLINK as u16;
        let length = mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        check(libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length))?;
    }
    let timeout = libc::timeval { tv_sec: timeout_s, tv_usec: 0 };
    set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &timeout)?;
    for group in groups {
        set_option(&socket, libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, group)?;
    }
    Ok(socket)
}

pub fn set_option<T: Copy>(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let length = mem::size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer is to a value of the given length that lives through the call.
    let answer = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (value as *const T).cast(), length) };
    check(answer).map(|_| ())
}

pub fn send(socket: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the slice is valid for reads and its length is given.
    let sent = unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One datagram of the kernel; others' are passed over. One that does not fit is an error.
pub fn receive_from_kernel(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // SAFETY: sockaddr_nl is plain data for which zeros are valid; both buffers are valid for writes of their lengths.
        let (received, sender) = unsafe {
            let mut sender: libc::sockaddr_nl = mem::zeroed();
            let mut length = mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t;
            let address = (&raw mut sender).cast();
            let into = buffer.as_mut_ptr().cast();
            let received =
                libc::recvfrom(socket.as_raw_fd(), into, buffer.len(), libc::MSG_TRUNC, address, &mut length);
            (received, sender)
        };
        let Ok(received) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        };
        if sender.nl_pid != 0 {
            continue;
        }
        if received > buffer.len() {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        return Ok(received);
    }
}

pub fn interface_index(name: &str) -> io::Result<u32> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: the name ends with a zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}
