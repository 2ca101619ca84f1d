//! A Unix socket that only its owner reaches: its mode, its directory, and what was there before.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// For the owner alone.
const MODE: u32 = 0o600;

/// Who may write in a directory can put another socket in our place.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A listening socket; what we made is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and file number of what we made.
    made: Option<(u64, u64)>,
}

impl Socket {
    /// Opens a socket at `path`. A socket that nobody listens on is replaced.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        check_directory(path)?;
        check_place(path)?;
        // It gets its mode under another name, so that nobody reaches it before.
        let draft = draft(path)?;
        let listener = UnixListener::bind(&draft)?;
        let placed = fs::set_permissions(&draft, fs::Permissions::from_mode(MODE))
            .and_then(|()| fs::rename(&draft, path))
            .and_then(|()| fs::symlink_metadata(path));
        match placed {
            Ok(file) => {
                let made = Some((file.dev(), file.ino()));
                Ok(Self { listener, path: path.to_owned(), made })
            }
            Err(error) => {
                // What can't be removed either is an empty file in our own directory.
                let _ = fs::remove_file(&draft);
                Err(error)
            }
        }
    }

    /// One that systemd has made, with the mode that its unit says.
    pub(super) fn handed_over(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let path = listener.local_addr()?.as_pathname().unwrap_or(Path::new("")).to_owned();
        let listener = UnixListener::from_std(listener)?;
        Ok(Self { listener, path, made: None })
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if self.made.is_some() && self.made == there {
            // The next one replaces what stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let found = fs::metadata(directory)?;
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 {
        return Err(io::Error::other("the directory belongs to somebody else"));
    }
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(io::Error::other("others may write in the directory"));
    }
    Ok(())
}

/// Nothing may be there but a socket that nobody listens on.
fn check_place(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there?,
    };
    if !there.file_type().is_socket() {
        return Err(io::Error::other("something that is no socket is there"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
    }
}

fn draft(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no name of a file"))?;
    let mut draft = name.to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(draft),
    }
}
