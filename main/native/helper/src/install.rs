//! Puts the helper and the engine where only root can change them, has systemd start the helper, and undoes that.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::files;
use crate::program::{Program, run};

pub const ENGINE: &str = "/usr/local/libexec/montana/xray";
pub const CONF: &str = "/etc/montana/helper.conf";
const HELPER: &str = "/usr/local/libexec/montana/montana-helper";
const UNIT: &str = "/etc/systemd/system/montana-helper.service";
const UNIT_NAME: &str = "montana-helper.service";
const UNIT_TEXT: &str = include_str!("../montana-helper.service");

const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
const SYSTEMCTL_TIMEOUT_MS: u64 = 60_000;
const EXECUTABLE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const CONF_BYTES_MAX: u64 = 4096;

pub struct Installation<'a> {
    pub engine: &'a Path,
    /// In lower-case hexadecimal.
    pub sha256: &'a str,
    pub uid: u32,
    /// Where a package is being put together; None: on this machine.
    pub root: Option<&'a Path>,
}

/// Gives what starts the helper: "systemd" or "none".
pub fn install(installation: &Installation) -> Result<&'static str, Failure> {
    let place = |path: &str| below(installation.root, path);
    let is_root_given = installation.root.is_some();
    let has_systemd = is_root_given || Path::new("/run/systemd/system").is_dir();
    for path in [HELPER, CONF].into_iter().chain(has_systemd.then_some(UNIT)) {
        let place = place(path);
        make_parent(&place, is_root_given)?;
    }
    let engine = File::open(installation.engine).map_err(|error| failed(installation.engine, &error))?;
    copy(engine, &place(ENGINE), Some(installation.sha256))?;
    // The running file itself, whatever has become of its name.
    let helper = File::open("/proc/self/exe").map_err(|error| failed(Path::new("/proc/self/exe"), &error))?;
    copy(helper, &place(HELPER), None)?;
    write(&place(CONF), format!("uid={}\n", installation.uid).as_bytes())?;
    if !has_systemd {
        return Ok("none");
    }
    write(&place(UNIT), UNIT_TEXT.as_bytes())?;
    if !is_root_given {
        for arguments in [&["daemon-reload"] as &[&str], &["enable", UNIT_NAME], &["restart", UNIT_NAME]] {
            systemctl(arguments)?;
        }
    }
    Ok("systemd")
}

/// What is not there is no error. The block has been released before.
pub fn uninstall(root: Option<&Path>) -> Result<(), Failure> {
    if root.is_none() && Path::new(UNIT).exists() {
        systemctl(&["disable", "--now", UNIT_NAME])?;
    }
    for path in [UNIT, CONF, ENGINE, HELPER] {
        let place = below(root, path);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&place, &error)),
            _ => {}
        }
    }
    for path in [CONF, HELPER] {
        // One that holds something else, or is not there, stays as it is.
        let _ = below(root, path).parent().map(fs::remove_dir);
    }
    if root.is_none() && Path::new("/run/systemd/system").is_dir() {
        systemctl(&["daemon-reload"])?;
    }
    Ok(())
}

/// The uid whom the installation allows.
pub fn allowed_uid() -> Result<u32, Failure> {
    let path = Path::new(CONF);
    let text = files::read_text(path, CONF_BYTES_MAX)?;
    let uid = text.lines().find_map(|line| line.strip_prefix("uid=")).and_then(|uid| uid.parse().ok());
    uid.ok_or_else(|| Failure::new("file-failed").text("path", CONF).whole("errno", libc::EINVAL.into()))
}

fn below(root: Option<&Path>, path: &str) -> PathBuf {
    root.map_or_else(|| PathBuf::from(path), |root| root.join(path.trim_start_matches('/')))
}

fn make_parent(path: &Path, is_root_given: bool) -> Result<(), Failure> {
    let parent = path.parent().expect("an installed file lies in a directory");
    if !is_root_given {
        return files::make_directory(parent).map(|_| ());
    }
    fs::create_dir_all(parent).map_err(|error| failed(parent, &error))
}

/// The file appears whole (0755) or not at all. Code: `engine-mismatch`.
fn copy(from: File, to: &Path, sha256: Option<&str>) -> Result<(), Failure> {
    let mut from = from.take(EXECUTABLE_BYTES_MAX);
    replace(to, 0o755, |file| {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut buffer).map_err(|error| failed(to, &error))?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(|error| failed(to, &error))?;
        }
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if sha256.is_none_or(|sha256| sha256 == found) { Ok(()) } else { Err(Failure::new("engine-mismatch")) }
    })
}

fn write(to: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(to, 0o644, |file| file.write_all(bytes).map_err(|error| failed(to, &error)))
}

fn replace(to: &Path, mode: u32, fill: impl FnOnce(&mut File) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut name = to.file_name().expect("an installed file has a name").to_owned();
    name.push(".new");
    let new = to.with_file_name(name);
    let failed = |error: io::Error| failed(to, &error);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    let filled = fill(&mut file).and_then(|()| {
        file.set_permissions(Permissions::from_mode(mode)).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, to).map_err(failed)
    });
    if filled.is_err() {
        let _ = fs::remove_file(&new);
        return filled;
    }
    let directory = to.parent().expect("an installed file lies in a directory");
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let refuse = || Failure::new("service-failed").text("step", arguments[0]);
    let found = SYSTEMCTL.iter().find_map(|path| files::open_file(Path::new(path)).ok().map(|file| (*path, file)));
    let (path, file) = found.ok_or_else(refuse)?;
    let arguments = [&[path], arguments].concat();
    match run(&Program { file: &file, arguments: &arguments, rights: None }, "", SYSTEMCTL_TIMEOUT_MS) {
        Ok(Some(status)) if status.success() => Ok(()),
        _ => Err(refuse()),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { "file-missing" } else { "file-failed" };
    let failure = Failure::new(code).text("path", path.to_string_lossy());
    if code == "file-failed" { failure.errno(error) } else { failure }
}
