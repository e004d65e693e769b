//! Questions to the kernel's network configuration.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys;

pub const ACKNOWLEDGE: u16 = libc::NLM_F_ACK as u16;
pub const CREATE: u16 = libc::NLM_F_CREATE as u16;
pub const EXCLUSIVE: u16 = libc::NLM_F_EXCL as u16;
pub const REPLACE: u16 = libc::NLM_F_REPLACE as u16;

const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const DUMP: u16 = libc::NLM_F_DUMP as u16;
const DUMP_INTERRUPTED: u16 = 0x10;
const HEADER: usize = 16;
const BUFFER: usize = 64 * 1024;
const TIMEOUT_S: i64 = 5;
const DUMP_ATTEMPTS: usize = 4;

/// One message, without the parts of its header that `Netlink` adds.
#[derive(Clone)]
pub struct Message {
    kind: u16,
    flags: u16,
    payload: Vec<u8>,
}

impl Message {
    /// `header`: the fixed part that this kind of message begins with.
    pub fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        Self { kind, flags, payload: header.to_vec() }
    }

    pub fn with(mut self, attribute: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).expect("attributes are short");
        self.payload.extend_from_slice(&length.to_ne_bytes());
        self.payload.extend_from_slice(&attribute.to_ne_bytes());
        self.payload.extend_from_slice(value);
        self.payload.resize(self.payload.len().next_multiple_of(4), 0);
        self
    }

    fn encode(&self, out: &mut Vec<u8>, sequence: u32) {
        let length = u32::try_from(HEADER + self.payload.len()).expect("messages are short");
        out.extend_from_slice(&length.to_ne_bytes());
        out.extend_from_slice(&self.kind.to_ne_bytes());
        out.extend_from_slice(&(self.flags | REQUEST).to_ne_bytes());
        out.extend_from_slice(&sequence.to_ne_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.payload);
    }
}

/// Attributes of a payload after its fixed part. What is malformed ends them.
pub fn attributes(payload: &[u8], header: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = payload.get(header..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(rest.get(0..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        // The two upper bits tell of nesting and byte order.
        Some((kind & 0x3fff, value))
    })
}

pub fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub fn open(protocol: libc::c_int) -> io::Result<Self> {
        Ok(Self { socket: sys::netlink_socket(protocol, &[], TIMEOUT_S)?, sequence: 0 })
    }

    /// With dumps filtered by the kernel, so that a machine's million routes do not come here.
    pub fn open_routes() -> io::Result<Self> {
        let netlink = Self::open(libc::NETLINK_ROUTE)?;
        sys::set_option(&netlink.socket, libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, &1i32)?;
        Ok(netlink)
    }

    /// Sends a message that is acknowledged and waits for that.
    pub fn ask(&mut self, message: &Message) -> io::Result<()> {
        self.ask_all(std::slice::from_ref(message))
    }

    /// Sends messages at once, of which one has ACKNOWLEDGE, and gives the first error or that acknowledgement.
    pub fn ask_all(&mut self, messages: &[Message]) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| message.encode(&mut bytes, self.sequence));
        sys::send(&self.socket, &bytes)?;
        loop {
            for reply in self.receive()? {
                if reply.kind == libc::NLMSG_ERROR as u16 {
                    return reply.error();
                }
            }
        }
    }

    /// The payloads of all that the message asks for and `wanted` takes.
    pub fn dump(&mut self, message: &Message, wanted: impl Fn(&[u8]) -> bool) -> io::Result<Vec<Vec<u8>>> {
        let message = Message { flags: message.flags | DUMP, ..message.clone() };
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(payloads) = self.dump_once(&message, &wanted)? {
                return Ok(payloads);
            }
        }
        Err(io::Error::from_raw_os_error(libc::EAGAIN))
    }

    /// None when what was read has changed meanwhile.
    fn dump_once(&mut self, message: &Message, wanted: &impl Fn(&[u8]) -> bool) -> io::Result<Option<Vec<Vec<u8>>>> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        message.encode(&mut bytes, self.sequence);
        sys::send(&self.socket, &bytes)?;
        let mut payloads = Vec::new();
        let mut is_whole = true;
        loop {
            for reply in self.receive()? {
                is_whole &= reply.flags & DUMP_INTERRUPTED == 0;
                if reply.kind == libc::NLMSG_DONE as u16 || reply.kind == libc::NLMSG_ERROR as u16 {
                    reply.error()?;
                    return Ok(is_whole.then_some(payloads));
                }
                if wanted(&reply.payload) {
                    payloads.push(reply.payload);
                }
            }
        }
    }

    /// Messages of one datagram that answer the last question.
    fn receive(&mut self) -> io::Result<Vec<Reply>> {
        let mut buffer = vec![0; BUFFER];
        let count = sys::receive_from_kernel(&self.socket, &mut buffer)?;
        let mut rest = &buffer[..count];
        let mut replies = Vec::new();
        while rest.len() >= HEADER {
            let word = |at: usize| u32::from_ne_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
            let half = |at: usize| u16::from_ne_bytes([rest[at], rest[at + 1]]);
            let length = word(0) as usize;
            if length < HEADER || length > rest.len() {
                return Err(io::Error::from_raw_os_error(libc::EBADMSG));
            }
            if word(8) == self.sequence {
                replies.push(Reply { kind: half(4), flags: half(6), payload: rest[HEADER..length].to_vec() });
            }
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
        Ok(replies)
    }
}

struct Reply {
    kind: u16,
    flags: u16,
    payload: Vec<u8>,
}

impl Reply {
    /// Of an acknowledgement or the end of a dump.
    fn error(&self) -> io::Result<()> {
        let code = self.payload.get(..4).and_then(number).unwrap_or(0) as i32;
        if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(()) }
    }
}

/// Word of changes to routes, rules or firewall tables; what changed is not told.
pub struct Watch(OwnedFd);

impl Watch {
    pub fn open(protocol: libc::c_int, groups: &[u32]) -> io::Result<Self> {
        let socket = sys::netlink_socket(protocol, groups, TIMEOUT_S)?;
        sys::set_nonblocking(socket.as_fd())?;
        Ok(Self(socket))
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Forgets what has come, without waiting. Too much to be kept is word of change as well.
    pub fn drain(&self) {
        const DATAGRAMS_MAX: usize = 256;
        let mut ignored = [0; 1];
        for _ in 0..DATAGRAMS_MAX {
            match sys::receive_from_kernel(&self.0, &mut ignored) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }
}
