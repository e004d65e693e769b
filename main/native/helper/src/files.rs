//! Files and directories that nobody but root can change, checked on the opened descriptors.

use std::ffi::{CString, OsStr};
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path};

use crate::failure::Failure;
use crate::sys::check;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A regular file, for reading or to be executed, where it and every directory above it is root's alone. Codes: `file-missing`,
/// `file-unsafe`, `file-failed`.
pub fn open_file(path: &Path) -> Result<File, Failure> {
    let (directory, name) = split(path)?;
    let directory = open_directory(directory)?;
    let file = open_at(&directory, name, libc::O_RDONLY | libc::O_NONBLOCK).map_err(|error| refusal(path, &error))?;
    require_roots(path, &file, |metadata| metadata.is_file())?;
    Ok(file)
}

/// A directory, where it and every directory above it is root's alone.
pub fn open_directory(path: &Path) -> Result<File, Failure> {
    open_tree(path, Missing::Refused)
}

/// The same; missing directories are made (0755).
pub fn make_directory(path: &Path) -> Result<File, Failure> {
    open_tree(path, Missing::Made)
}

/// The text of a small file that is root's alone.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let mut text = String::new();
    let failed = |error: io::Error| Failure::new("file-failed").text("path", path.to_string_lossy()).errno(&error);
    open_file(path)?.take(bytes_max).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

enum Missing {
    Refused,
    Made,
}

fn open_tree(path: &Path, missing: Missing) -> Result<File, Failure> {
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return Err(unsafe_file(path));
    }
    let mut directory = File::open("/").map_err(|error| refusal(path, &error))?;
    require_roots(path, &directory, Metadata::is_dir)?;
    for component in components {
        let Component::Normal(name) = component else { return Err(unsafe_file(path)) };
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let opened = match (open_at(&directory, name, flags), &missing) {
            (Err(error), Missing::Made) if error.kind() == io::ErrorKind::NotFound => {
                make_at(&directory, name).and_then(|()| open_at(&directory, name, flags))
            }
            (opened, _) => opened,
        };
        directory = opened.map_err(|error| refusal(path, &error))?;
        require_roots(path, &directory, Metadata::is_dir)?;
    }
    Ok(directory)
}

fn open_at(directory: &File, name: &OsStr, flags: libc::c_int) -> io::Result<File> {
    let name = CString::new(name.as_bytes())?;
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name ends with a zero; the descriptor is new and owned here alone.
    unsafe { Ok(File::from_raw_fd(check(libc::openat(directory.as_raw_fd(), name.as_ptr(), flags))?)) }
}

fn make_at(directory: &File, name: &OsStr) -> io::Result<()> {
    let c_name = CString::new(name.as_bytes())?;
    // SAFETY: the name ends with a zero.
    check(unsafe { libc::mkdirat(directory.as_raw_fd(), c_name.as_ptr(), 0o755) })?;
    // The mask of the process has taken rights away.
    open_at(directory, name, libc::O_RDONLY | libc::O_DIRECTORY)?.set_permissions(Permissions::from_mode(0o755))
}

fn require_roots(path: &Path, file: &File, is_right: impl Fn(&Metadata) -> bool) -> Result<(), Failure> {
    let metadata = file.metadata().map_err(|error| refusal(path, &error))?;
    let is_roots = metadata.uid() == 0 && metadata.mode() & WRITABLE_BY_OTHERS == 0;
    if is_roots && is_right(&metadata) { Ok(()) } else { Err(unsafe_file(path)) }
}

fn split(path: &Path) -> Result<(&Path, &OsStr), Failure> {
    path.parent().zip(path.file_name()).ok_or_else(|| unsafe_file(path))
}

fn unsafe_file(path: &Path) -> Failure {
    Failure::new("file-unsafe").text("path", path.to_string_lossy())
}

fn refusal(path: &Path, error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::ENOENT) => Failure::new("file-missing").text("path", path.to_string_lossy()),
        // A symbolic link, or a file where a directory should be.
        Some(libc::ELOOP | libc::ENOTDIR) => unsafe_file(path),
        _ => Failure::new("file-failed").text("path", path.to_string_lossy()).errno(error),
    }
}
