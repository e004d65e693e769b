//! The nftables tables: the kill switch's second layer (chapter 08 §10.5), and without a kill switch one that keeps name servers
//! outside the tunnel from being asked, which programs that choose the interface themselves do past every route.

use std::io;
use std::path::Path;

use crate::failure::Failure;
use crate::files;
use crate::netlink::{ACKNOWLEDGE, Message, Netlink};
use crate::program::{Program, run};

pub const MARK: u32 = 19790;

const NFT: [&str; 3] = ["/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"];
const NFT_TIMEOUT_MS: u64 = 10_000;

#[derive(Clone, Copy)]
pub enum Table {
    KillSwitch,
    Names,
}

impl Table {
    /// With its closing zero, as the kernel wants it.
    fn name(self) -> &'static [u8] {
        match self {
            Self::KillSwitch => b"montana_ks\0",
            Self::Names => b"montana_dns\0",
        }
    }
}

const SUBSYSTEM: u16 = 10 << 8;
const GET_TABLE: u16 = SUBSYSTEM | 1;
const DELETE_TABLE: u16 = SUBSYSTEM | 2;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const TABLE_NAME: u16 = 1;
const FAMILY_INET: u8 = 1;

/// The set `open` lifts the block for as long as its elements live; the kernel takes them away by itself.
const OPEN: &str = "flush set inet montana_ks open\n";

/// The whole table, in place of an older one. `lan`: what is not routed in the Internet is reached, but for name servers.
fn kill_switch_text(lan: bool) -> String {
    let lan_rules = if lan {
        "    meta l4proto { tcp, udp } th dport { 53, 853 } drop
    ip daddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 224.0.0.0/24, 239.0.0.0/8, 255.255.255.255 } accept
    ip6 daddr { fc00::/7, fe80::/10, ff02::/16, ff05::/16 } accept\n"
    } else {
        ""
    };
    format!(
        "table inet montana_ks
delete table inet montana_ks
table inet montana_ks {{
  set open {{
    type nf_proto
    flags timeout
  }}
  chain output {{
    type filter hook output priority filter; policy drop;
    oifname \"lo\" accept
    oifname \"montana*\" accept
    meta mark {MARK} accept
    meta nfproto @open accept
    udp sport 68 udp dport 67 accept
    ip6 daddr {{ fe80::/10, ff02::1:2 }} udp sport 546 udp dport 547 accept
    icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report, mld-listener-done }} accept
{lan_rules}  }}
}}
"
    )
}

fn names_text() -> String {
    format!(
        "table inet montana_dns
delete table inet montana_dns
table inet montana_dns {{
  chain output {{
    type filter hook output priority filter; policy accept;
    oifname \"lo\" accept
    oifname \"montana*\" accept
    meta mark {MARK} accept
    meta l4proto {{ tcp, udp }} th dport {{ 53, 853 }} drop
  }}
}}
"
    )
}

/// In one transaction. Codes: `firewall-missing`, `routes-refused`.
pub fn load_kill_switch(lan: bool) -> Result<(), Failure> {
    nft(&kill_switch_text(lan))
}

/// Where nft is missing there is none. Code: `routes-refused`.
pub fn load_names() -> Result<(), Failure> {
    if require().is_ok() { nft(&names_text()) } else { Ok(()) }
}

/// Lets everything out for so long; the table stands.
pub fn open(seconds: u64) -> Result<(), Failure> {
    nft(&format!("{OPEN}add element inet montana_ks open {{ ipv4 timeout {seconds}s, ipv6 timeout {seconds}s }}\n"))
}

pub fn close() -> Result<(), Failure> {
    nft(OPEN)
}

/// Code: `firewall-missing`.
pub fn require() -> Result<(), Failure> {
    find().map(|_| ())
}

fn find() -> Result<(&'static str, std::fs::File), Failure> {
    let found = NFT.iter().find_map(|path| files::open_file(Path::new(path)).ok().map(|file| (*path, file)));
    found.ok_or_else(|| Failure::new("firewall-missing"))
}

fn nft(text: &str) -> Result<(), Failure> {
    let refuse = || Failure::new("routes-refused").text("step", "firewall");
    let (path, file) = find()?;
    let program = Program { file: &file, arguments: &[path, "-f", "-"], rights: None };
    match run(&program, text, NFT_TIMEOUT_MS) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(_) => Err(refuse().whole("errno", 0)),
        Err(error) => Err(refuse().errno(&error)),
    }
}

/// Without nft, which may be gone by now.
pub fn exists(table: Table) -> io::Result<bool> {
    let asked = Message::new(GET_TABLE, ACKNOWLEDGE, &header(FAMILY_INET, 0)).with(TABLE_NAME, table.name());
    match Netlink::open(libc::NETLINK_NETFILTER).and_then(|mut netlink| netlink.ask(&asked)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            // The last three: a kernel without nftables.
            Some(libc::ENOENT | libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT) => Ok(false),
            _ => Err(error),
        },
    }
}

pub fn remove(table: Table) -> io::Result<()> {
    if !exists(table)? {
        return Ok(());
    }
    Netlink::open(libc::NETLINK_NETFILTER)?.ask_all(&[
        Message::new(BATCH_BEGIN, 0, &header(0, SUBSYSTEM >> 8)),
        Message::new(DELETE_TABLE, ACKNOWLEDGE, &header(FAMILY_INET, 0)).with(TABLE_NAME, table.name()),
        Message::new(BATCH_END, 0, &header(0, SUBSYSTEM >> 8)),
    ])
}

fn header(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}
