//! The kernel's strict reverse path filter (`rp_filter` 1) throws the exits' answers away: without the engine's mark they seem to
//! belong into the tunnel. While routes stand it is loose (2), and what was there is noted before that.

use std::fs;
use std::io;
use std::path::Path;

const INTERFACES: &str = "/proc/sys/net/ipv4/conf";
const ALL: &str = "/proc/sys/net/ipv4/conf/all/rp_filter";
const NOTE: &str = "rp_filter";
const STRICT: &str = "1";
const LOOSE: &str = "2";

/// `directory`: where the note lies, root's alone.
pub fn loosen(directory: &Path) -> io::Result<()> {
    let mut is_strict = false;
    for interface in fs::read_dir(INTERFACES)? {
        // An interface that goes meanwhile is none.
        is_strict |= fs::read_to_string(interface?.path().join("rp_filter")).is_ok_and(|value| value.trim() == STRICT);
    }
    let before = fs::read_to_string(ALL)?;
    // The kernel takes the higher number of `all` and the interface.
    if !is_strict || before.trim() == LOOSE {
        return Ok(());
    }
    fs::write(directory.join(NOTE), before.trim())?;
    fs::write(ALL, LOOSE)
}

/// Keeps what someone else has set meanwhile.
pub fn restore(directory: &Path) -> io::Result<()> {
    let note = directory.join(NOTE);
    let Ok(before) = fs::read_to_string(&note) else { return Ok(()) };
    if fs::read_to_string(ALL)?.trim() == LOOSE {
        fs::write(ALL, before)?;
    }
    fs::remove_file(note)
}
