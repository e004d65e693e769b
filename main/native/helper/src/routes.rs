//! The rules and routes of chapter 08 §10.4 for one family of addresses: what is there, and how it becomes what it should be.

use std::io;

use crate::failure::Failure;
use crate::firewall::MARK;
use crate::netlink::{ACKNOWLEDGE, CREATE, EXCLUSIVE, Message, Netlink, REPLACE, attributes, number};

/// By which ours are known among all others.
const PROTOCOL: u8 = 184;
const TABLE: u32 = 52;
const MAIN: u32 = 254;
const UNREACHABLE_METRIC: u32 = 4_278_198_272;
const PRIORITIES: std::ops::RangeInclusive<u32> = 5210..=5230;

const HEADER: usize = 12;
const KIND_AT: usize = 7;
const TABLE_AT: usize = 4;
const PROTOCOL_AT: usize = 5;

const RULE_PRIORITY: u16 = 6;
const RULE_MARK: u16 = 10;
const RULE_SUPPRESS: u16 = 14;
const RULE_TABLE: u16 = 15;
const RULE_MASK: u16 = 16;
const RULE_PROTOCOL: u16 = 21;
const RULE_IP_PROTOCOL: u16 = 22;
const RULE_SOURCE_PORTS: u16 = 23;
const RULE_PORTS: u16 = 24;
const TO_TABLE: u8 = 1;
const NOTHING_SUPPRESSED: u32 = u32::MAX;

const TCP: u8 = 6;
const UDP: u8 = 17;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    fn code(self) -> u8 {
        if self == Self::V4 { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
    }

    fn name(self) -> i64 {
        if self == Self::V4 { 4 } else { 6 }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Rule {
    priority: u32,
    table: u32,
    is_marked: bool,
    suppresses_default: bool,
    ip_protocol: Option<u8>,
    source_port: Option<u16>,
    port: Option<u16>,
}

fn rules(family: Family, lan: bool) -> Vec<Rule> {
    let ports = |priority, ip_protocol, port| Rule {
        priority,
        table: TABLE,
        ip_protocol: Some(ip_protocol),
        port: Some(port),
        ..Rule::default()
    };
    let mut rules = vec![Rule { priority: 5210, table: MAIN, is_marked: true, ..Rule::default() }];
    if family == Family::V4 {
        // A lease is renewed with the server's own address, past which the network would end. That of IPv6 is link-local.
        rules.push(Rule { table: MAIN, source_port: Some(68), ..ports(5212, UDP, 67) });
    }
    rules.extend([ports(5215, UDP, 53), ports(5215, UDP, 853), ports(5216, TCP, 53), ports(5216, TCP, 853)]);
    if lan {
        rules.push(Rule { priority: 5220, table: MAIN, suppresses_default: true, ..Rule::default() });
    }
    rules.push(Rule { priority: 5230, table: TABLE, ..Rule::default() });
    rules
}

/// What stands in the kernel for one family.
pub struct Present {
    rules: Vec<(Rule, Vec<u8>)>,
    routes: Vec<Vec<u8>>,
    foreign: Option<&'static str>,
}

impl Present {
    /// Whether the rule stands that leads all traffic into the table.
    pub fn leads(&self) -> bool {
        self.rules.iter().any(|(rule, _)| rule.priority == *PRIORITIES.end())
    }

    pub fn leads_past_for_lan(&self) -> bool {
        self.rules.iter().any(|(rule, _)| rule.suppresses_default)
    }

    pub fn has_tunnel(&self) -> bool {
        self.routes.iter().any(|route| route[KIND_AT] == libc::RTN_UNICAST)
    }

    fn leads_to(&self, index: u32) -> bool {
        let tunnels = self.routes.iter().filter(|route| route[KIND_AT] == libc::RTN_UNICAST);
        tunnels
            .flat_map(|route| attributes(route, HEADER))
            .any(|(kind, value)| kind == libc::RTA_OIF && number(value) == Some(index))
    }

    pub fn has_unreachable(&self) -> bool {
        self.routes.iter().any(|route| route[KIND_AT] == libc::RTN_UNREACHABLE)
    }
}

pub struct Routes(Netlink);

impl Routes {
    pub fn open() -> io::Result<Self> {
        Netlink::open_routes().map(Self)
    }

    /// None where the machine knows nothing of the family.
    pub fn read(&mut self, family: Family) -> io::Result<Option<Present>> {
        let asked = Message::new(libc::RTM_GETRULE, 0, &[family.code(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let all_rules = match self.0.dump(&asked, |_| true) {
            Ok(rules) => rules,
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let asked = Message::new(libc::RTM_GETROUTE, 0, &[family.code(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .with(libc::RTA_TABLE, &TABLE.to_ne_bytes());
        let all_routes = match self.0.dump(&asked, |route| route.len() >= HEADER && route_table(route) == Some(TABLE)) {
            Ok(routes) => routes,
            // The table has never been.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut present = Present { rules: Vec::new(), routes: Vec::new(), foreign: None };
        for payload in all_rules {
            let (rule, protocol) = read_rule(&payload);
            if protocol == PROTOCOL {
                present.rules.push((rule, payload));
            } else if PRIORITIES.contains(&rule.priority) || rule.table == TABLE {
                present.foreign = Some("rule");
            }
        }
        for payload in all_routes {
            if payload.get(PROTOCOL_AT) == Some(&PROTOCOL) {
                present.routes.push(payload);
            } else {
                present.foreign = Some("table");
            }
        }
        Ok(Some(present))
    }

    /// Code: `routes-taken`.
    pub fn require_ours(&mut self, family: Family) -> Result<(), Failure> {
        let present = self.read(family).map_err(|error| refused("read", &error))?;
        match present.and_then(|present| present.foreign) {
            None => Ok(()),
            Some(what) => Err(Failure::new("routes-taken").text("what", what).whole("family", family.name())),
        }
    }

    /// Makes the routes and rules stand, the blocking ones first, and takes away what does not belong to them. `tunnel`: the
    /// interface's index; None leads nowhere. Code: `routes-refused`.
    pub fn set(&mut self, family: Family, tunnel: Option<u32>, lan: bool) -> Result<(), Failure> {
        let Some(present) = self.read(family).map_err(|error| refused("read", &error))? else { return Ok(()) };
        if !present.has_unreachable() {
            let unreachable = route(family, libc::RTN_UNREACHABLE, libc::RT_SCOPE_UNIVERSE)
                .with(libc::RTA_PRIORITY, &UNREACHABLE_METRIC.to_ne_bytes());
            self.0.ask(&unreachable).map_err(|error| refused("unreachable", &error))?;
        }
        if let Some(index) = tunnel.filter(|index| !present.leads_to(*index)) {
            let tunnel =
                route(family, libc::RTN_UNICAST, libc::RT_SCOPE_LINK).with(libc::RTA_OIF, &index.to_ne_bytes());
            match self.0.ask(&tunnel) {
                // IPv6 is switched off on the interface: its traffic meets the unreachable route.
                Err(error) if family == Family::V6 && error.raw_os_error() == Some(libc::EACCES) => {}
                asked => asked.map_err(|error| refused("tunnel", &error))?,
            }
        }
        let wanted = rules(family, lan);
        let there = |rule: &Rule| present.rules.iter().any(|(other, _)| other == rule);
        for rule in wanted.iter().filter(|rule| !there(rule)) {
            self.0.ask(&add_rule(family, rule)).map_err(|error| refused("rule", &error))?;
        }
        for (_, payload) in present.rules.iter().filter(|(rule, _)| !wanted.contains(rule)) {
            self.forget(libc::RTM_DELRULE, payload).map_err(|error| refused("rule", &error))?;
        }
        if tunnel.is_none() { self.close(family) } else { Ok(()) }
    }

    /// Takes the way into the tunnel away; all else stays.
    pub fn close(&mut self, family: Family) -> Result<(), Failure> {
        self.forget_routes(family, libc::RTN_UNICAST).map_err(|error| refused("tunnel", &error))
    }

    /// Takes the rules away, and thereby their effect; the routes stay.
    pub fn clear_rules(&mut self, family: Family) -> Result<(), Failure> {
        let present = self.read(family).map_err(|error| refused("read", &error))?;
        // The last first, so that the engine's own way is open for as long as any other leads into the tunnel.
        for (_, payload) in present.iter().flat_map(|present| &present.rules).rev() {
            self.forget(libc::RTM_DELRULE, payload).map_err(|error| refused("rule", &error))?;
        }
        Ok(())
    }

    pub fn clear(&mut self, family: Family) -> Result<(), Failure> {
        self.clear_rules(family)?;
        self.close(family)?;
        self.forget_routes(family, libc::RTN_UNREACHABLE).map_err(|error| refused("unreachable", &error))
    }

    fn forget_routes(&mut self, family: Family, kind: u8) -> io::Result<()> {
        let present = self.read(family)?;
        for route in present.iter().flat_map(|present| &present.routes).filter(|route| route[KIND_AT] == kind) {
            self.forget(libc::RTM_DELROUTE, route)?;
        }
        Ok(())
    }

    /// What is gone already, with its interface for example, is no error.
    fn forget(&mut self, kind: u16, payload: &[u8]) -> io::Result<()> {
        match self.0.ask(&Message::new(kind, ACKNOWLEDGE, payload)) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH | libc::ENODEV)) => Ok(()),
            asked => asked,
        }
    }
}

fn refused(step: &str, error: &io::Error) -> Failure {
    Failure::new("routes-refused").text("step", step).errno(error)
}

fn route(family: Family, kind: u8, scope: u8) -> Message {
    let header = [family.code(), 0, 0, 0, TABLE as u8, PROTOCOL, scope, kind, 0, 0, 0, 0];
    let flags = ACKNOWLEDGE | CREATE | REPLACE;
    Message::new(libc::RTM_NEWROUTE, flags, &header).with(libc::RTA_TABLE, &TABLE.to_ne_bytes())
}

fn route_table(payload: &[u8]) -> Option<u32> {
    let attribute = attributes(payload, HEADER).find(|(kind, _)| *kind == libc::RTA_TABLE);
    attribute.and_then(|(_, value)| number(value)).or_else(|| payload.get(TABLE_AT).copied().map(u32::from))
}

fn add_rule(family: Family, rule: &Rule) -> Message {
    let header = [family.code(), 0, 0, 0, rule.table as u8, 0, 0, TO_TABLE, 0, 0, 0, 0];
    let mut message = Message::new(libc::RTM_NEWRULE, ACKNOWLEDGE | CREATE | EXCLUSIVE, &header)
        .with(RULE_PROTOCOL, &[PROTOCOL])
        .with(RULE_PRIORITY, &rule.priority.to_ne_bytes())
        .with(RULE_TABLE, &rule.table.to_ne_bytes());
    if rule.is_marked {
        message = message.with(RULE_MARK, &MARK.to_ne_bytes()).with(RULE_MASK, &u32::MAX.to_ne_bytes());
    }
    if rule.suppresses_default {
        message = message.with(RULE_SUPPRESS, &0u32.to_ne_bytes());
    }
    if let Some(protocol) = rule.ip_protocol {
        message = message.with(RULE_IP_PROTOCOL, &[protocol]);
    }
    for (kind, port) in [(RULE_SOURCE_PORTS, rule.source_port), (RULE_PORTS, rule.port)] {
        if let Some(port) = port {
            message = message.with(kind, &[port.to_ne_bytes(), port.to_ne_bytes()].concat());
        }
    }
    message
}

/// Also gives who has set it. One that is ours by its number but not in its content is read as another than any of `rules`.
fn read_rule(payload: &[u8]) -> (Rule, u8) {
    let mut rule = Rule { table: payload.get(TABLE_AT).copied().unwrap_or(0).into(), ..Rule::default() };
    let mut protocol = 0;
    for (kind, value) in attributes(payload, HEADER) {
        match kind {
            RULE_PRIORITY => rule.priority = number(value).unwrap_or(0),
            RULE_TABLE => rule.table = number(value).unwrap_or(0),
            RULE_MARK => rule.is_marked = number(value) == Some(MARK),
            RULE_SUPPRESS => rule.suppresses_default = number(value) != Some(NOTHING_SUPPRESSED),
            RULE_PROTOCOL => protocol = value.first().copied().unwrap_or(0),
            RULE_IP_PROTOCOL => rule.ip_protocol = value.first().copied(),
            RULE_SOURCE_PORTS => rule.source_port = first_port(value),
            RULE_PORTS => rule.port = first_port(value),
            _ => {}
        }
    }
    (rule, protocol)
}

fn first_port(value: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(value.get(..2)?.try_into().ok()?))
}
