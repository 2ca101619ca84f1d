//! File system operations on the entries of one directory.
//!
//! **Invariant:** every operation names an entry, relative to a directory that was opened once, and
//! follows no symbolic link. A link that somebody plants in the directory, or in place of it, leads
//! nowhere. What the entries mean is the matter of [`super::publisher`].

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use km_proxy_adapter::zeroizing::ZeroizingBytes;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fchmod, fchown, fstat, fsync, mkdirat, open,
    openat, readlinkat, renameat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::access::FileAccess;
use crate::trusted_path;

/// The flags of every directory that is opened.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The mode bits that let the group or every user change the entries of a directory.
const WRITABLE_BY_OTHERS: Mode = Mode::WGRP.union(Mode::WOTH);

/// The number of bytes that are written at once.
const CHUNK: usize = 64 * 1024;

/// An open directory.
pub(super) struct Directory(OwnedFd);

impl Directory {
    /// Opens a directory whose entries no other user can change.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // An entry of the directory, whose parents are verified then.
        trusted_path::check(&path.join("file"))?;
        let directory = open(path, DIRECTORY, Mode::empty())?;
        // The same directory as the verified one, unless root or this user has replaced it since.
        let stat = fstat(&directory)?;
        if Mode::from_raw_mode(stat.st_mode).intersects(WRITABLE_BY_OTHERS)
            || !trusted_path::is_trusted(stat.st_uid)
        {
            return Err(io::Error::other("another user controls the directory"));
        }
        Ok(Self(directory))
    }

    /// Returns whether the files are kept in memory only. `None` if that is not known.
    pub(super) fn is_in_memory(&self) -> Option<bool> {
        #[cfg(target_os = "linux")]
        {
            /// The types of `tmpfs` and `ramfs`, see
            /// [`statfs(2)`](https://man7.org/linux/man-pages/man2/statfs.2.html).
            const IN_MEMORY: [rustix::fs::FsWord; 2] = [0x0102_1994, 0x8584_58f6];
            rustix::fs::fstatfs(&self.0).ok().map(|system| IN_MEMORY.contains(&system.f_type))
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Opens a directory in this one.
    pub(super) fn directory(&self, name: &str) -> io::Result<Self> {
        Ok(Self(openat(&self.0, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?))
    }

    /// Creates and opens a directory that only this user can access.
    pub(super) fn create_directory(&self, name: &str) -> io::Result<Self> {
        step()?;
        mkdirat(&self.0, name, Mode::RWXU)?;
        self.directory(name)
    }

    /// Opens a file that only this user can access, and creates it if it does not exist.
    pub(super) fn private_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags | OFlags::NONBLOCK, Mode::RUSR | Mode::WUSR)?;
        let stat = fstat(&file)?;
        if !is_type(&stat, FileType::RegularFile) || !trusted_path::is_trusted(stat.st_uid) {
            return Err(io::Error::other(format!("{name} is not a file of this user")));
        }
        Ok(file.into())
    }

    /// Creates a file with these bytes. It has its mode and owner before it has its content.
    pub(super) fn create_file(
        &self,
        name: &str,
        access: FileAccess,
        bytes: &[u8],
    ) -> io::Result<()> {
        step()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = openat(&self.0, name, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
        step()?;
        fchmod(&file, access.mode)?;
        if access.user.is_some() || access.group.is_some() {
            step()?;
            fchown(&file, access.user, access.group)?;
        }
        let mut file = File::from(file);
        for chunk in bytes.chunks(CHUNK) {
            step()?;
            file.write_all(chunk)?;
        }
        step()?;
        file.sync_all()
    }

    /// Returns whether a regular file has this access and these bytes.
    pub(super) fn is_file(&self, name: &str, access: FileAccess, bytes: &[u8]) -> io::Result<bool> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if !is_type(&stat, FileType::RegularFile)
            || Mode::from_raw_mode(stat.st_mode) != access.mode
            || access.user.is_some_and(|user| user.as_raw() != stat.st_uid)
            || access.group.is_some_and(|group| group.as_raw() != stat.st_gid)
            || usize::try_from(stat.st_size).ok() != Some(bytes.len())
        {
            return Ok(false);
        }
        let mut found = ZeroizingBytes::new(vec![0; bytes.len()]);
        File::from(file).read_exact(&mut found)?;
        Ok(*found == bytes)
    }

    /// Returns the target of a symbolic link. `None` if there is no entry, or another one.
    pub(super) fn link(&self, name: &str) -> io::Result<Option<String>> {
        match readlinkat(&self.0, name, Vec::new()) {
            Ok(target) => Ok(target.into_string().ok()),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether there is an entry of any type with this name.
    pub(super) fn exists(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a symbolic link. Fails if there is an entry with this name.
    pub(super) fn create_link(&self, name: &str, target: &str) -> io::Result<()> {
        step()?;
        Ok(symlinkat(target, &self.0, name)?)
    }

    /// Renames an entry, which replaces another one atomically.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        step()?;
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes a file or a link, if it exists.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        step()?;
        ignore_missing(unlinkat(&self.0, name, AtFlags::empty()))
    }

    /// Removes a directory with its files, if it exists. Fails if it has other directories.
    pub(super) fn remove_directory(&self, name: &str) -> io::Result<()> {
        match self.directory(name) {
            Ok(directory) => {
                for file in directory.entries()? {
                    directory.remove_file(&file)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        step()?;
        ignore_missing(unlinkat(&self.0, name, AtFlags::REMOVEDIR))
    }

    /// Returns the names of the entries. One that is not UTF-8 was not created by this program.
    pub(super) fn entries(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            if let Ok(name) = entry?.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Sets the mode of this directory.
    pub(super) fn set_mode(&self, mode: Mode) -> io::Result<()> {
        step()?;
        Ok(fchmod(&self.0, mode)?)
    }

    /// Waits until all changes of entries are stored.
    pub(super) fn sync(&self) -> io::Result<()> {
        step()?;
        Ok(fsync(&self.0)?)
    }
}

fn is_type(stat: &Stat, expected: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == expected
}

fn ignore_missing(removed: rustix::io::Result<()>) -> io::Result<()> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}

/// Precedes every change of the file system, so that tests can end the program before each of them.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "fails in tests")]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use interruption::step;

#[cfg(test)]
pub(super) mod interruption {
    //! Ends the program before a given change of the file system.
    //!
    //! Like after a kill, that change and all later ones fail.

    use std::cell::Cell;
    use std::io;

    thread_local! {
        static CHANGES_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Runs `program` until it has made this many changes. Returns whether it completed.
    pub(crate) fn after<T>(changes: usize, program: impl FnOnce() -> io::Result<T>) -> bool {
        CHANGES_LEFT.set(changes);
        let outcome = program();
        let was_interrupted = CHANGES_LEFT.replace(usize::MAX) == 0;
        assert!(outcome.is_ok() || was_interrupted, "{:?}", outcome.err());
        outcome.is_ok()
    }

    pub(super) fn step() -> io::Result<()> {
        match CHANGES_LEFT.get() {
            0 => Err(io::Error::other("killed")),
            usize::MAX => Ok(()),
            left => {
                CHANGES_LEFT.set(left - 1);
                Ok(())
            }
        }
    }
}
