//! The one loop: a socket, its clients, the engine and the block. One thread, so that nothing is shared, and the engine, which dies
//! with the thread that started it, dies with the program.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::block::Block;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::json::{Value, write_object};
use crate::netlink::Watch;
use crate::program::Rights;
use crate::request::{Request, read_request};
use crate::sys::{Peer, boot_ms, peer_of, poll};

const CLIENTS_MAX: usize = 4;
const LINE_BYTES_MAX: usize = 256 * 1024;
const STOPS_MAX: usize = 16;
const READ_BYTES: usize = 64 * 1024;
/// Beyond this, engine lines are dropped and requests wait.
const OUTPUT_BYTES_HIGH: usize = 256 * 1024;
/// How long after word of a change the block is looked at, so that many changes are looked at once.
const REPAIR_DELAY_MS: u64 = 100;
/// How long after it has failed it is tried again.
const RETRY_DELAY_MS: u64 = 1_000;

/// The groups of the kernel's word of changes: routes and rules of both families, firewall tables.
const ROUTE_GROUPS: [u32; 4] = [7, 8, 11, 19];
const FIREWALL_GROUPS: [u32; 1] = [7];

pub struct Settings {
    /// Besides root, which may only release.
    pub uid: u32,
    pub engine: PathBuf,
}

struct Client {
    stream: UnixStream,
    peer: Peer,
    input: Vec<u8>,
    output: Vec<u8>,
    lines_dropped: i64,
    governs: bool,
    is_gone: bool,
    /// The ids of `stop` that wait for the engine's end.
    stops: Vec<i64>,
}

pub struct Server {
    settings: Settings,
    listener: UnixListener,
    signals: OwnedFd,
    watches: Vec<Watch>,
    block: Block,
    engine: Option<Engine>,
    clients: Vec<Client>,
    repair_at_ms: Option<u64>,
}

impl Server {
    pub fn new(
        settings: Settings,
        listener: UnixListener,
        signals: OwnedFd,
        mut block: Block,
    ) -> Result<Self, Failure> {
        block.settle()?;
        let failed = |error: io::Error| Failure::new("routes-refused").text("step", "watch").errno(&error);
        let mut watches = vec![Watch::open(libc::NETLINK_ROUTE, &ROUTE_GROUPS).map_err(failed)?];
        // A kernel without nftables has nothing to be told of.
        watches.extend(Watch::open(libc::NETLINK_NETFILTER, &FIREWALL_GROUPS));
        Ok(Self { settings, listener, signals, watches, block, engine: None, clients: Vec::new(), repair_at_ms: None })
    }

    /// Until the program is asked to end.
    pub fn run(mut self) -> io::Result<()> {
        loop {
            let ready = self.wait()?;
            if ready.is_asked_to_end {
                self.abandon();
                return Ok(());
            }
            if ready.has_changes {
                self.watches.iter().for_each(Watch::drain);
                self.repair_at_ms.get_or_insert(boot_ms() + REPAIR_DELAY_MS);
            }
            self.keep_time();
            self.follow_engine(ready.has_engine_output, ready.has_engine_ended);
            for index in ready.readable {
                self.clients[index].receive();
            }
            // Before anyone else is heard, so that who comes next finds what the last one has left.
            self.dismiss();
            for index in 0..self.clients.len() {
                self.answer(index);
            }
            self.dismiss();
            if ready.has_caller {
                self.admit();
            }
        }
    }

    fn wait(&self) -> io::Result<Ready> {
        let entry = |descriptor: BorrowedFd, events| libc::pollfd { fd: descriptor.as_raw_fd(), events, revents: 0 };
        let mut entries = vec![entry(self.signals.as_fd(), libc::POLLIN), entry(self.listener.as_fd(), libc::POLLIN)];
        let engine = entries.len();
        if let Some(engine) = &self.engine {
            entries.push(entry(engine.process(), libc::POLLIN));
            entries.extend(engine.output().map(|output| entry(output, libc::POLLIN)));
        }
        let watches = entries.len();
        entries.extend(self.watches.iter().map(|watch| entry(watch.descriptor(), libc::POLLIN)));
        let clients = entries.len();
        entries.extend(self.clients.iter().map(|client| entry(client.stream.as_fd(), client.events())));
        let deadlines =
            [self.repair_at_ms, self.block.pause_ends_at_ms(), self.engine.as_ref().and_then(Engine::kill_at_ms)];
        let now = boot_ms();
        poll(&mut entries, deadlines.iter().flatten().min().map(|at| at.saturating_sub(now)))?;
        let is_ready = |index: usize| entries[index].revents != 0;
        Ok(Ready {
            is_asked_to_end: is_ready(0),
            has_caller: is_ready(1),
            has_engine_ended: engine < watches && is_ready(engine),
            has_engine_output: engine + 1 < watches && is_ready(engine + 1),
            has_changes: (watches..clients).any(is_ready),
            readable: (0..self.clients.len()).filter(|index| is_ready(clients + index)).collect(),
        })
    }

    fn keep_time(&mut self) {
        let now = boot_ms();
        if self.repair_at_ms.is_some_and(|at| at <= now) {
            let repaired = self.block.repair();
            self.repair_at_ms = repaired.is_err().then_some(now + RETRY_DELAY_MS);
        }
        if self.block.pause_ends_at_ms().is_some_and(|at| at <= now) {
            let ended = self.block.end_pause();
            self.repair_soon_unless(ended.is_ok());
        }
        if let Some(engine) = &mut self.engine {
            engine.enforce();
        }
    }

    fn follow_engine(&mut self, has_output: bool, has_ended: bool) {
        if has_output {
            let lines = self.engine.as_mut().map(Engine::read_lines);
            self.tell_lines(lines.unwrap_or_default());
        }
        if has_ended {
            self.collect_engine();
        }
    }

    /// Kills the engine if it runs, and says how it ended.
    fn collect_engine(&mut self) {
        let Some(engine) = self.engine.take() else { return };
        let (lines, status) = engine.collect();
        self.tell_lines(lines);
        let (code, signal) = status.map_or((None, None), |status| (status.code(), status.signal()));
        let value = |number: Option<i32>| number.map_or(Value::Null, |number| Value::Whole(number.into()));
        let exited = [("event", Value::Text("exited".into())), ("code", value(code)), ("signal", value(signal))];
        if let Some(client) = self.clients.iter_mut().find(|client| client.governs) {
            client.tell(&exited);
        }
        for client in &mut self.clients {
            for id in std::mem::take(&mut client.stops) {
                client.reply(Some(id), Ok(Vec::new()));
            }
        }
    }

    fn tell_lines(&mut self, lines: Vec<String>) {
        let Some(client) = self.clients.iter_mut().find(|client| client.governs) else { return };
        for line in lines {
            client.tell_line(line);
        }
    }

    fn admit(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        let Ok(peer) = peer_of(&stream) else { return };
        let is_allowed = peer.uid == self.settings.uid || peer.uid == 0;
        if !is_allowed || stream.set_nonblocking(true).is_err() {
            return;
        }
        if self.clients.len() == CLIENTS_MAX {
            let oldest = self.clients.iter().position(|client| !client.governs);
            self.clients.remove(oldest.expect("one client governs at most"));
        }
        self.clients.push(Client {
            stream,
            peer,
            input: Vec::new(),
            output: Vec::new(),
            lines_dropped: 0,
            governs: false,
            is_gone: false,
            stops: Vec::new(),
        });
    }

    /// Lets go of those that have ended.
    fn dismiss(&mut self) {
        let has_lost_governor = self.clients.iter().any(|client| client.is_gone && client.governs);
        self.clients.retain(|client| !client.is_gone);
        if has_lost_governor {
            self.abandon();
        }
    }

    fn abandon(&mut self) {
        // The rules first: without a kill switch the machine goes on by its own way, with one there is no other.
        let abandoned = self.block.abandon();
        self.repair_soon_unless(abandoned.is_ok());
        self.collect_engine();
    }

    fn repair_soon_unless(&mut self, is_done: bool) {
        if !is_done {
            self.repair_at_ms.get_or_insert(boot_ms() + RETRY_DELAY_MS);
        }
    }

    /// Takes requests and writes replies as long as the client reads.
    fn answer(&mut self, index: usize) {
        loop {
            self.clients[index].send();
            let Some(line) = self.clients[index].take_line() else { break };
            let asked = read_request(&line);
            match asked.request.and_then(|request| self.perform(index, asked.id, request)) {
                Ok(Some(ok)) => self.clients[index].reply(asked.id, Ok(ok)),
                Ok(None) => {}
                Err(failure) => self.clients[index].reply(asked.id, Err(failure)),
            }
        }
    }

    /// None: the reply comes later.
    fn perform(&mut self, index: usize, id: Option<i64>, request: Request) -> Result<Option<Ok>, Failure> {
        self.require_right(index, &request)?;
        match request {
            Request::Hello => {
                self.clients[index].governs = true;
                let is_blocking = self.block.standing()?.is_blocking;
                return Ok(Some(vec![("version", Value::Whole(1)), ("isBlocking", Value::Flag(is_blocking))]));
            }
            Request::Start { config } => return self.start(index, &config).map(Some),
            Request::Route { interface, kill_switch, lan } => self.block.route(&interface, kill_switch, lan)?,
            Request::Block { lan } => self.block.hold(lan)?,
            Request::Unroute { keep_blocked: true } => self.block.close()?,
            Request::Unroute { keep_blocked: false } => self.block.clear()?,
            Request::Stop => {
                if let Some(engine) = &mut self.engine {
                    let stops = &mut self.clients[index].stops;
                    if stops.len() == STOPS_MAX {
                        return Err(Failure::new("bad-request").text("reason", "stop"));
                    }
                    engine.ask_to_end();
                    stops.extend(id);
                    return Ok(None);
                }
            }
            Request::Release => {
                let cleared = self.block.clear();
                self.collect_engine();
                cleared?;
            }
            Request::Status => return self.status().map(Some),
            Request::Pause { seconds } => {
                let lasts_ms = self.block.pause(seconds).inspect_err(|_| {
                    let _ = self.block.end_pause();
                })?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
                return Ok(Some(vec![("untilMs", Value::Whole(now + lasts_ms.unwrap_or(0) as i64))]));
            }
            Request::Unpause => self.block.end_pause()?,
        }
        Ok(Some(Vec::new()))
    }

    fn require_right(&self, index: usize, request: &Request) -> Result<(), Failure> {
        let client = &self.clients[index];
        if client.peer.uid != self.settings.uid {
            // Root, which could do it without this program as well.
            return if *request == Request::Release { Ok(()) } else { Err(Failure::new("not-allowed")) };
        }
        if client.governs {
            return Ok(());
        }
        if self.clients.iter().any(|client| client.governs) {
            return Err(Failure::new("busy"));
        }
        match request {
            Request::Hello => Ok(()),
            _ => Err(Failure::new("bad-request").text("reason", "hello")),
        }
    }

    fn start(&mut self, index: usize, config: &str) -> Result<Ok, Failure> {
        if let Some(engine) = &self.engine {
            return Err(Failure::new("already-running").whole("pid", engine.pid().into()));
        }
        let rights = Rights { uid: self.settings.uid, gid: self.clients[index].peer.gid };
        let engine = self.engine.insert(Engine::start(&self.settings.engine, config, rights)?);
        Ok(vec![("pid", Value::Whole(engine.pid().into()))])
    }

    fn status(&mut self) -> Result<Ok, Failure> {
        let standing = self.block.standing()?;
        let engine = self.engine.as_ref().map_or(Value::Null, |engine| Value::Whole(engine.pid().into()));
        Ok(vec![
            ("engine", engine),
            ("isRouted", Value::Flag(standing.is_routed)),
            ("isBlocking", Value::Flag(standing.is_blocking)),
            ("isPaused", Value::Flag(self.block.pause_ends_at_ms().is_some())),
        ])
    }
}

/// What a request gives.
type Ok = Vec<(&'static str, Value)>;

struct Ready {
    is_asked_to_end: bool,
    has_caller: bool,
    has_engine_ended: bool,
    has_engine_output: bool,
    has_changes: bool,
    /// Clients, by their place, of which something is to be heard: words, room for words, or the end.
    readable: Vec<usize>,
}

impl Client {
    fn events(&self) -> libc::c_short {
        let reads = if self.takes_requests() { libc::POLLIN } else { 0 };
        let writes = if self.output.is_empty() { 0 } else { libc::POLLOUT };
        reads | writes
    }

    fn takes_requests(&self) -> bool {
        self.output.len() < OUTPUT_BYTES_HIGH
    }

    fn receive(&mut self) {
        if !self.takes_requests() {
            return;
        }
        let mut buffer = [0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.is_gone = true,
            Ok(count) => self.input.extend_from_slice(&buffer[..count]),
            Err(error) if is_passing(&error) => {}
            Err(_) => self.is_gone = true,
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        if !self.takes_requests() || self.is_gone {
            return None;
        }
        let end = self.input.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(self.input.len()) >= LINE_BYTES_MAX {
            self.is_gone = true;
            return None;
        }
        let line = self.input.drain(..=end?).collect();
        Some(line)
    }

    fn send(&mut self) {
        while !self.output.is_empty() && !self.is_gone {
            match self.stream.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if is_passing(&error) => break,
                Err(_) => self.is_gone = true,
            }
        }
        if self.lines_dropped > 0 && self.output.len() < OUTPUT_BYTES_HIGH / 2 {
            let lines = std::mem::take(&mut self.lines_dropped);
            self.tell(&[("event", Value::Text("dropped".into())), ("lines", Value::Whole(lines))]);
        }
    }

    fn reply(&mut self, id: Option<i64>, outcome: Result<Ok, Failure>) {
        let outcome = match outcome {
            Ok(ok) => ("ok", Value::Object(ok)),
            Err(failure) => ("error", failure.into_value()),
        };
        self.tell(&[("id", id.map_or(Value::Null, Value::Whole)), outcome]);
    }

    fn tell_line(&mut self, text: String) {
        if self.lines_dropped > 0 || self.output.len() >= OUTPUT_BYTES_HIGH {
            self.lines_dropped += 1;
        } else {
            self.tell(&[("event", Value::Text("line".into())), ("text", Value::Text(text))]);
        }
    }

    fn tell(&mut self, members: &[(&'static str, Value)]) {
        self.output.extend_from_slice(write_object(members).as_bytes());
        self.output.push(b'\n');
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
