//! systemd-resolved asks a network's name servers through that network's interface, whatever the routes say. While the tunnel
//! stands it is told that the tunnel's interface has the name server for everything; what was there it has kept, and uses again
//! when the interface has gone or `restore` says so.

use std::fs::{self, File};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::failure::Failure;
use crate::files;
use crate::netlink::{ACKNOWLEDGE, CREATE, Message, Netlink, REPLACE};
use crate::program::{Program, run};

const RESOLVECTL: [&str; 2] = ["/usr/bin/resolvectl", "/bin/resolvectl"];
const TIMEOUT_MS: u64 = 5_000;
/// It may not have seen a new interface yet.
const ATTEMPTS: usize = 20;
const ATTEMPT_DELAY: Duration = Duration::from_millis(50);

/// Never reached itself: the engine takes what goes to any name server.
const SERVER: &str = "1.1.1.1";
/// resolved passes over an interface without an address. This one (RFC 7600: the dummy address) is nobody's.
const ADDRESS: [u8; 4] = [192, 0, 0, 8];
const ADDRESS_LOCAL: u16 = 2;

/// Where it answers: only one that is in this network hears of this interface.
const STUB: [u8; 4] = [127, 0, 0, 53];
const STUB_PORT: u16 = 53;

/// Code: `routes-refused`. Where resolved does not run there is nothing to do.
pub fn lead(index: u32) -> Result<(), Failure> {
    if !runs_here() {
        return Ok(());
    }
    address(libc::RTM_NEWADDR, CREATE | REPLACE, index)
        .map_err(|error| Failure::new("routes-refused").text("step", "resolver").errno(&error))?;
    let index = index.to_string();
    resolvectl(&["dns", &index, SERVER])?;
    resolvectl(&["domain", &index, "~."])?;
    // The engine answers with addresses alone, so that nothing else could be checked.
    resolvectl(&["dnssec", &index, "no"])
}

/// An interface that has gone needs nothing.
pub fn restore(index: u32) {
    if runs_here() {
        let _ = resolvectl_once(&["revert", &index.to_string()]);
        let _ = address(libc::RTM_DELADDR, 0, index);
    }
}

fn runs_here() -> bool {
    let local = format!(" {:08X}:{STUB_PORT:04X} ", u32::from_ne_bytes(STUB));
    fs::read_to_string("/proc/net/udp").is_ok_and(|sockets| sockets.contains(&local))
}

fn address(kind: u16, flags: u16, index: u32) -> std::io::Result<()> {
    let [a, b, c, d] = index.to_ne_bytes();
    let header = [libc::AF_INET as u8, 32, 0, libc::RT_SCOPE_UNIVERSE, a, b, c, d];
    let message = Message::new(kind, ACKNOWLEDGE | flags, &header).with(ADDRESS_LOCAL, &ADDRESS);
    Netlink::open(libc::NETLINK_ROUTE)?.ask(&message)
}

fn resolvectl(arguments: &[&str]) -> Result<(), Failure> {
    for _ in 1..ATTEMPTS {
        if resolvectl_once(arguments).is_ok() {
            return Ok(());
        }
        sleep(ATTEMPT_DELAY);
    }
    resolvectl_once(arguments)
}

fn resolvectl_once(arguments: &[&str]) -> Result<(), Failure> {
    let refuse = || Failure::new("routes-refused").text("step", "resolver");
    let found: Option<(&str, File)> =
        RESOLVECTL.iter().find_map(|path| files::open_file(Path::new(path)).ok().map(|file| (*path, file)));
    let (path, file) = found.ok_or_else(|| refuse().whole("errno", libc::ENOENT.into()))?;
    let arguments = [&[path], arguments].concat();
    match run(&Program { file: &file, arguments: &arguments, rights: None }, "", TIMEOUT_MS) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(_) => Err(refuse().whole("errno", 0)),
        Err(error) => Err(refuse().errno(&error)),
    }
}
