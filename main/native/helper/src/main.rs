//! `montana-helper COMMAND`: the part of the whole-device mode that runs as root. The README says what each command does.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod block;
mod engine;
mod failure;
mod files;
mod firewall;
mod install;
mod json;
mod netlink;
mod program;
mod request;
mod resolver;
mod reverse_path;
mod routes;
mod server;
mod sys;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use block::Block;
use failure::Failure;
use install::Installation;
use json::{Value, write_object};
use server::{Server, Settings};

const SOCKET: &str = "/run/montana/helper.sock";
/// How long `release` waits for the helper that runs, before it does the work itself.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.into_string().map_err(|_| invalid()));
    let outcome = arguments.collect::<Result<Vec<_>, _>>().and_then(command);
    // Nobody may listen.
    match outcome {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(ok)) => {
            let _ = writeln!(io::stdout(), "{}", write_object(&[("ok", Value::Object(ok))]));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{}", failure.into_line());
            ExitCode::FAILURE
        }
    }
}

/// Gives what is printed.
fn command(mut arguments: Vec<String>) -> Result<Option<Vec<(&'static str, Value)>>, Failure> {
    if arguments.is_empty() {
        return Err(Failure::new("arguments-invalid"));
    }
    let name = arguments.remove(0);
    let mut options = Options::read(arguments)?;
    match name.as_str() {
        "install" => {
            let root = options.path("root");
            let installation = Installation {
                engine: &options.path("engine").ok_or_else(invalid)?,
                sha256: &options.text("sha256").ok_or_else(invalid)?,
                uid: options.uid()?.ok_or_else(invalid)?,
                root: root.as_deref(),
            };
            options.require_none()?;
            require_root_unless(root.is_some())?;
            let service = install::install(&installation)?;
            Ok(Some(vec![("service", Value::Text(service.into()))]))
        }
        "uninstall" => {
            let root = options.path("root");
            options.require_none()?;
            require_root_unless(root.is_some())?;
            if root.is_none() {
                release(Path::new(SOCKET))?;
            }
            install::uninstall(root.as_deref())?;
            Ok(Some(Vec::new()))
        }
        "release" => {
            let socket = options.path("socket").unwrap_or_else(|| SOCKET.into());
            options.require_none()?;
            require_root_unless(false)?;
            release(&socket)?;
            Ok(Some(Vec::new()))
        }
        "serve" => {
            let socket = options.path("socket").unwrap_or_else(|| SOCKET.into());
            let uid = options.uid()?;
            let engine = options.path("engine").unwrap_or_else(|| install::ENGINE.into());
            options.require_none()?;
            require_root_unless(false)?;
            serve(&socket, uid, engine)?;
            Ok(None)
        }
        _ => Err(invalid()),
    }
}

fn serve(socket: &Path, uid: Option<u32>, engine: PathBuf) -> Result<(), Failure> {
    sys::make_private();
    let directory = socket.parent().ok_or_else(invalid)?;
    files::make_directory(directory)?;
    files::open_file(&engine)?;
    let failed = |error: io::Error| Failure::new("file-failed").text("path", socket.to_string_lossy()).errno(&error);
    files::open_file(&fs::read_link("/proc/self/exe").map_err(failed)?)?;
    let uid = uid.map_or_else(install::allowed_uid, Ok)?;
    let block = Block::open(directory.to_owned())?;
    let signals = sys::end_signals().map_err(failed)?;
    let listener = listen(socket, uid)?;
    let served =
        Server::new(Settings { uid, engine }, listener, signals, block).and_then(|server| server.run().map_err(failed));
    let _ = fs::remove_file(socket);
    served
}

/// The directory is root's alone, so nobody comes between these steps.
fn listen(socket: &Path, uid: u32) -> Result<UnixListener, Failure> {
    let path = || socket.to_string_lossy();
    if UnixStream::connect(socket).is_ok() {
        return Err(Failure::new("socket-taken").text("path", path()));
    }
    let listen = || -> io::Result<UnixListener> {
        match fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(socket)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
        std::os::unix::fs::chown(socket, Some(uid), None)?;
        Ok(listener)
    };
    listen().map_err(|error| Failure::new("file-failed").text("path", path()).errno(&error))
}

/// Through the helper, where one runs, so that it does not put anything back; then in any case here.
fn release(socket: &Path) -> Result<(), Failure> {
    if let Ok(mut stream) = UnixStream::connect(socket) {
        let mut ask = || -> io::Result<()> {
            stream.set_read_timeout(Some(RELEASE_TIMEOUT))?;
            stream.write_all(b"{\"id\":1,\"do\":\"release\"}\n")?;
            BufReader::new(&stream).read_line(&mut String::new()).map(|_| ())
        };
        // One that does not answer is told by what is left, and that goes now.
        let _ = ask();
    }
    let directory = socket.parent().ok_or_else(invalid)?;
    Block::open(directory.to_owned())?.clear()
}

fn invalid() -> Failure {
    Failure::new("arguments-invalid")
}

fn require_root_unless(is_excused: bool) -> Result<(), Failure> {
    if is_excused || sys::is_root() { Ok(()) } else { Err(Failure::new("not-root")) }
}

/// `--name value` pairs.
struct Options(Vec<(String, String)>);

impl Options {
    fn read(arguments: Vec<String>) -> Result<Self, Failure> {
        let mut options: Vec<(String, String)> = Vec::new();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(invalid()) };
            let name = name.strip_prefix("--").ok_or_else(invalid)?;
            if options.iter().any(|(other, _)| other == name) {
                return Err(invalid());
            }
            options.push((name.into(), value.clone()));
        }
        Ok(Self(options))
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    fn uid(&mut self) -> Result<Option<u32>, Failure> {
        // The last number stands for "no change" in system calls.
        let uid = self.text("uid").map(|text| text.parse().ok().filter(|uid| *uid != u32::MAX).ok_or_else(invalid));
        uid.transpose()
    }

    fn require_none(&self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(invalid()) }
    }
}
