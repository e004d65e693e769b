//! Starts a command and sees to it that the command does not outlive the program that asked for it, however that ends.
//!
//! `montana-guard COMMAND [ARGUMENT…]`: the command gets the standard streams as they are, and the guard ends with its exit
//! status (128 + the number of the signal that killed it). A command that cannot be started: a line on standard error and
//! status 127.
//!
//! Linux and macOS: descriptor 3 is a socket to the host. The guard writes the command's process id and a line feed to it and
//! ends the command when the host's end closes, whether the host meant it or was killed. Windows: a job object ends the
//! command when the guard's process ends, and the host's runtime ends the guard with the host.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

use std::process::{Command, ExitCode};

const CANNOT_START: u8 = 127;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: montana-guard COMMAND [ARGUMENT...]");
        return ExitCode::from(CANNOT_START);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    match system::run(command) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("guard: {error}");
            ExitCode::from(CANNOT_START)
        }
    }
}
