//! The tunnel engine while it runs: its output cut into lines, and its end.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

use crate::failure::Failure;
use crate::files;
use crate::program::{Program, Rights, start};
use crate::sys::{boot_ms, memory_file, process_descriptor, send_signal, set_nonblocking};

/// It may tidy up for so long before it is killed.
const GRACE_MS: u64 = 2_000;
const LINE_BYTES_MAX: usize = 4096;
/// What is read in one go, so that an engine that prints without end starves nobody.
const READ_BYTES_MAX: usize = 64 * 1024;

pub struct Engine {
    child: Child,
    process: OwnedFd,
    output: PipeReader,
    has_output: bool,
    lines: LineCutter,
    kill_at_ms: Option<u64>,
}

impl Engine {
    /// Codes: `engine-not-started`.
    pub fn start(path: &Path, config: &str, rights: Rights) -> Result<Self, Failure> {
        let refuse = |reason: &str| Failure::new("engine-not-started").text("reason", reason);
        let file = files::open_file(path).map_err(|failure| match failure.code {
            "file-missing" => refuse("missing"),
            _ => refuse("unsafe"),
        })?;
        Self::start_checked(&file, path, config, rights)
            .map_err(|error| refuse(&error.raw_os_error().unwrap_or(0).to_string()))
    }

    fn start_checked(file: &File, path: &Path, config: &str, rights: Rights) -> io::Result<Self> {
        let (output, writer) = io::pipe()?;
        set_nonblocking(output.as_fd())?;
        let name = path.to_string_lossy();
        let program = Program { file, arguments: &[&name, "run", "-c", "stdin:"], rights: Some(rights) };
        let input = Stdio::from(memory_file(config.as_bytes())?);
        let mut child = start(&program, input, writer.try_clone()?.into(), writer.into())?;
        let process = match process_descriptor(child.id()) {
            Ok(process) => process,
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        Ok(Self { child, process, output, has_output: true, lines: LineCutter::default(), kill_at_ms: None })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Readable when it has ended.
    pub fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Readable when it has printed; None when nothing comes any more.
    pub fn output(&self) -> Option<BorrowedFd<'_>> {
        self.has_output.then(|| self.output.as_fd())
    }

    /// The lines that are there, without waiting, up to a bound.
    pub fn read_lines(&mut self) -> Vec<String> {
        let mut buffer = [0; READ_BYTES_MAX];
        match self.output.read(&mut buffer) {
            Ok(0) => self.has_output = false,
            Ok(count) => return self.lines.cut(&buffer[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.has_output = false,
        }
        Vec::new()
    }

    /// Asks it to end; `enforce` kills one that does not listen.
    pub fn ask_to_end(&mut self) {
        if self.kill_at_ms.is_none() {
            // One that has ended already needs no word.
            let _ = send_signal(self.process.as_fd(), libc::SIGTERM);
            self.kill_at_ms = Some(boot_ms() + GRACE_MS);
        }
    }

    pub fn kill_at_ms(&self) -> Option<u64> {
        self.kill_at_ms
    }

    pub fn enforce(&mut self) {
        if self.kill_at_ms.is_some_and(|at| at <= boot_ms()) {
            let _ = send_signal(self.process.as_fd(), libc::SIGKILL);
            self.kill_at_ms = None;
        }
    }

    /// Kills it if it has not ended, and gives its last lines and how it ended.
    pub fn collect(mut self) -> (Vec<String>, io::Result<ExitStatus>) {
        let _ = send_signal(self.process.as_fd(), libc::SIGKILL);
        let status = self.child.wait();
        let mut lines = self.read_lines();
        lines.extend(self.lines.rest());
        (lines, status)
    }
}

#[derive(Default)]
struct LineCutter {
    /// At most LINE_BYTES_MAX; what a line has beyond is left out.
    unfinished: Vec<u8>,
}

impl LineCutter {
    fn cut(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = LINE_BYTES_MAX - self.unfinished.len();
            self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                lines.push(String::from_utf8_lossy(&self.unfinished).into_owned());
                self.unfinished.clear();
            }
        }
        lines
    }

    fn rest(&self) -> Option<String> {
        (!self.unfinished.is_empty()).then(|| String::from_utf8_lossy(&self.unfinished).into_owned())
    }
}
