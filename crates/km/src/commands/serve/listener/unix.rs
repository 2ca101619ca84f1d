//! A Unix socket that only its owner can reach.
//!
//! It is created in a private directory, gets its mode there, and is then moved to its path, so
//! that no other user can connect before. A socket that another process listens on is never
//! replaced.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

use crate::commands::serve::trusted_path;

/// The mode of the socket.
const MODE: u32 = 0o600;

/// How often a path is tried that other processes take and leave meanwhile.
const ATTEMPTS: u32 = 8;

/// The names of the socket before it has its path, and of a stale one after it has lost it. They
/// are short because the path of a socket is limited to about a hundred bytes.
const DRAFT: &str = "s";
const STALE: &str = "x";

/// A listening socket. One that this process created is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The file that this process created.
    created: Option<FileId>,
}

/// The device and the number of a file.
type FileId = (u64, u64);

impl Socket {
    /// Opens a socket at `path`. One that no process listens on is replaced.
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        if path.file_name().is_none() {
            return Err(io::Error::other("the path does not name a file"));
        }
        trusted_path::check(path)?;
        let private = tempfile::Builder::new()
            .prefix(".km")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(trusted_path::parent(path))?;
        let draft = private.path().join(DRAFT);
        let listener = UnixListener::bind(&draft)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(MODE))?;
        let created = Some(id(&draft)?);
        place(&private, path).await?;
        Ok(Self { listener, path: path.to_owned(), created })
    }

    /// Takes a socket that systemd has created, with the mode that its unit names.
    pub(super) fn handed_over(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let path = listener.local_addr()?.as_pathname().unwrap_or(Path::new("")).to_owned();
        let listener = UnixListener::from_std(listener)?;
        Ok(Self { listener, path, created: None })
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
        if self.created.is_some() && self.created == id(&self.path).ok() {
            // If this fails, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> io::Result<FileId> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Gives the socket its path, by a link that never replaces what is there.
async fn place(private: &TempDir, path: &Path) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match fs::hard_link(private.path().join(DRAFT), path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            placed => return placed,
        }
        match stale(path).await {
            // It was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => take_away(private, path, found?)?,
        }
    }
    Err(in_use())
}

/// Returns the socket at `path` if no process listens on it.
///
/// Connecting does not block: a listener whose queue is full is in use.
async fn stale(path: &Path) -> io::Result<FileId> {
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        return Err(io::Error::other("the path is in use by something that is not a socket"));
    }
    match UnixStream::connect(path).await.map_err(|error| error.kind()) {
        Err(io::ErrorKind::ConnectionRefused) => Ok((found.dev(), found.ino())),
        Ok(_) | Err(io::ErrorKind::WouldBlock) => Err(in_use()),
        Err(kind) => Err(kind.into()),
    }
}

/// Removes the stale socket at `path`. Another process may have replaced it since it was found;
/// that socket gets its path back.
fn take_away(private: &TempDir, path: &Path, stale: FileId) -> io::Result<()> {
    let taken = private.path().join(STALE);
    match fs::rename(path, &taken) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    if id(&taken)? == stale {
        return fs::remove_file(&taken);
    }
    fs::hard_link(&taken, path)?;
    Err(in_use())
}

fn in_use() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};

    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

    use super::*;

    fn private(directory: &TempDir) -> TempDir {
        tempfile::Builder::new().tempdir_in(directory.path()).unwrap()
    }

    #[tokio::test]
    async fn socket_has_its_mode_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("km.sock");
        drop(StdListener::bind(&path).unwrap());
        let socket = Socket::open(&path).await.unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, MODE);
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
        StdStream::connect(&path).unwrap();
        drop(socket);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[tokio::test]
    async fn socket_that_replaced_a_stale_one_meanwhile_gets_its_path_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("km.sock");
        drop(StdListener::bind(&path).unwrap());
        let found = stale(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        // Another inode number, whatever the file system reuses.
        let _other = fs::File::create(directory.path().join("other")).unwrap();
        let live = StdListener::bind(&path).unwrap();
        let error = take_away(&private(&directory), &path, found).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        StdStream::connect(&path).unwrap();
        drop(live);
    }

    #[tokio::test]
    async fn socket_in_use_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("km.sock");
        let _live = StdListener::bind(&path).unwrap();
        let private = private(&directory);
        let _draft = StdListener::bind(private.path().join(DRAFT)).unwrap();
        assert_eq!(place(&private, &path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        StdStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn socket_whose_queue_is_full_is_in_use() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("km.sock");
        let address = SocketAddrUnix::new(&path).unwrap();
        let live = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&live, &address).unwrap();
        rustix::net::listen(&live, 0).unwrap();
        let _queued = StdStream::connect(&path).unwrap();
        assert_eq!(stale(&path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
