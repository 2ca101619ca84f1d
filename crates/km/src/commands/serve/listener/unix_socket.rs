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

use crate::trusted_path;

/// The mode of the socket.
const MODE: u32 = 0o600;

/// The number of attempts to publish a socket while other processes bind and remove the path.
const ATTEMPTS: u32 = 8;

/// The names of the socket before it has its path, and of a stale one after it has lost it. They
/// are short because the path of a socket is limited to about a hundred bytes.
const NEW: &str = "s";
const STALE: &str = "x";

/// A listening socket. One that this process created is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The file, if this process created it.
    created: Option<FileId>,
}

/// The device and inode number of a file.
type FileId = (u64, u64);

impl UnixSocket {
    /// Opens a socket at `path`. A stale one, which no process listens on, is replaced.
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        if path.file_name().is_none() {
            return Err(io::Error::other("the path does not name a file"));
        }
        trusted_path::check(path)?;
        let private = tempfile::Builder::new()
            .prefix(".km")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(trusted_path::parent(path))?;
        let new = private.path().join(NEW);
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(MODE))?;
        let created = Some(id(&new)?);
        publish(&private, path).await?;
        Ok(Self { listener, path: path.to_owned(), created })
    }

    /// Takes a socket that systemd has created, with the mode of its unit.
    pub(super) fn from_systemd(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
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

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if self.created.is_some() && self.created == id(&self.path).ok() {
            // If this fails, the next start replaces the stale socket.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> io::Result<FileId> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Publishes the new socket at its path, by a hard link, which never replaces an existing file.
async fn publish(private: &TempDir, path: &Path) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match fs::hard_link(private.path().join(NEW), path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        match stale(path).await {
            // The file was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => remove_stale(private, path, found?)?,
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
        return Err(io::Error::other("the path exists and is not a socket"));
    }
    match UnixStream::connect(path).await.map_err(|error| error.kind()) {
        Err(io::ErrorKind::ConnectionRefused) => Ok((found.dev(), found.ino())),
        Ok(_) | Err(io::ErrorKind::WouldBlock) => Err(in_use()),
        Err(kind) => Err(kind.into()),
    }
}

/// Removes the stale socket at `path`. Another process may have replaced it since it was found;
/// that socket gets its path back.
fn remove_stale(private: &TempDir, path: &Path, stale: FileId) -> io::Result<()> {
    let moved = private.path().join(STALE);
    match fs::rename(path, &moved) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    if id(&moved)? == stale {
        return fs::remove_file(&moved);
    }
    fs::hard_link(&moved, path)?;
    Err(in_use())
}

fn in_use() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another process is listening on it")
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
    async fn socket_has_its_mode_and_leaves_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("km.sock");
        drop(StdListener::bind(&path).unwrap());
        let socket = UnixSocket::open(&path).await.unwrap();
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
        // Prevents the file system from reusing the inode number.
        let _other = fs::File::create(directory.path().join("other")).unwrap();
        let live = StdListener::bind(&path).unwrap();
        let error = remove_stale(&private(&directory), &path, found).unwrap_err();
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
        let _new = StdListener::bind(private.path().join(NEW)).unwrap();
        assert_eq!(publish(&private, &path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
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
