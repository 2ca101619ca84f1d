//! Writes sets of files and replaces the current one.
//!
//! The steps are those of a Kubernetes volume: write the new set into a directory that nobody else
//! can enter, then replace the link `..data`, then add and remove the links to files. A kill
//! between two steps leaves entries that the next start removes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;

use super::access::FileAccess;
use super::directory::Directory;
use super::file_set::FileSet;

/// The link to the current set.
const CURRENT: &str = "..data";

/// The new link before it replaces the current one.
const NEXT: &str = "..data_tmp";

/// The file whose lock the process holds that writes to the directory.
const LOCK: &str = "..km-lock";

/// The prefix of the directories with sets. Sixteen hexadecimal digits follow. Kubernetes names
/// them by a timestamp instead.
const SET_PREFIX: &str = "..km-";
const SET_DIGITS: usize = 16;

/// The mode of a complete set. The modes of the files decide who reads them, and that of the whole
/// directory, who lists them.
const SET_MODE: Mode = Mode::RWXU.union(Mode::XGRP).union(Mode::XOTH);

/// The only writer of a directory.
pub(super) struct Publisher {
    directory: Directory,
    path: PathBuf,
    access: FileAccess,
    was_interrupted: bool,
    _lock: File,
}

/// A change of the published files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The names of the files that are new, differ, or were removed.
    pub(crate) names: Vec<String>,
    /// The set that was replaced. `None` if there was none.
    pub(crate) replaced: Option<ReplacedSet>,
}

/// A set that was replaced and has not been removed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplacedSet(String);

impl Publisher {
    /// Opens a directory, takes its lock, and removes what a killed process has left.
    ///
    /// # Errors
    ///
    /// The directory does not exist, another user can change it, another process writes to it, or
    /// files with this access cannot be created in it.
    pub(super) fn open(path: &Path, access: FileAccess) -> io::Result<Self> {
        let directory = Directory::open(path)?;
        let lock = directory.private_file(LOCK)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = "another km process writes to it";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let path = path.to_owned();
        let mut publisher = Self { directory, path, access, was_interrupted: false, _lock: lock };
        publisher.was_interrupted = publisher.remove_leftovers()?;
        publisher.try_access()?;
        Ok(publisher)
    }

    /// Returns the directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the previous process ended while it changed the files, or before it removed
    /// the replaced ones.
    pub(super) fn was_interrupted(&self) -> bool {
        self.was_interrupted
    }

    /// Returns whether the files are kept in memory only. `None` if that is not known.
    pub(super) fn is_in_memory(&self) -> Option<bool> {
        self.directory.is_in_memory()
    }

    /// Returns whether the current set has a file for each of these names.
    pub(super) fn has_all<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> io::Result<bool> {
        let Some((_, set)) = self.current()? else {
            return Ok(false);
        };
        let files = set.entries()?;
        Ok(names.into_iter().all(|name| files.iter().any(|file| file == name)))
    }

    /// Verifies that no entry of another program is in the place of a link to one of these files.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, or the file system fails.
    pub(super) fn check<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for name in names {
            if !self.is_link_to_file(name)? && self.directory.exists(name)? {
                return Err(foreign(name));
            }
        }
        Ok(())
    }

    /// Makes `files` the current set, unless it is that already.
    ///
    /// # Errors
    ///
    /// The file system fails, or there is an entry in the place of a file that this program did not
    /// create. The current set remains in either case, unless only the links to files are missing.
    pub(super) fn publish(&self, files: &FileSet) -> io::Result<Option<Change>> {
        self.check(files.names())?;
        let current = self.current()?;
        let names = match &current {
            Some((_, set)) => self.changed_names(set, files)?,
            None => files.names().map(str::to_owned).collect(),
        };
        if current.is_some() && names.is_empty() {
            self.update_links(files)?;
            return Ok(None);
        }
        let new = self.write_set(files)?;
        self.make_current(&new)?;
        self.update_links(files)?;
        Ok(Some(Change { names, replaced: current.map(|(name, _)| ReplacedSet(name)) }))
    }

    /// Removes all files, and every set that was replaced.
    pub(super) fn remove_all(&self) -> io::Result<()> {
        self.publish(&FileSet::default())?;
        self.remove_leftovers().map(drop)
    }

    /// Removes a set that was replaced.
    pub(super) fn remove(&self, replaced: &ReplacedSet) -> io::Result<()> {
        self.directory.remove_directory(&replaced.0)
    }

    /// Returns the name and the directory of the current set.
    fn current(&self) -> io::Result<Option<(String, Directory)>> {
        let Some(name) = self.directory.link(CURRENT)? else {
            return if self.directory.exists(CURRENT)? { Err(foreign(CURRENT)) } else { Ok(None) };
        };
        if !is_set(&name) {
            return Err(foreign(CURRENT));
        }
        match self.directory.directory(&name) {
            Ok(set) => Ok(Some((name, set))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the files of a set that differ from `files`, and those that only one of both has.
    fn changed_names(&self, set: &Directory, files: &FileSet) -> io::Result<Vec<String>> {
        let removed = set.entries()?.into_iter().filter(|name| !files.contains(name));
        // A file that cannot be read is replaced.
        let is_equal =
            |name: &str, bytes: &[u8]| set.is_file(name, self.access, bytes).unwrap_or(false);
        let changed = files.iter().filter(|(name, bytes)| !is_equal(name, bytes));
        let mut names: Vec<_> = changed.map(|(name, _)| name.to_owned()).chain(removed).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Writes a set, which nobody else can access before it is complete. Returns its name.
    fn write_set(&self, files: &FileSet) -> io::Result<String> {
        let name = random_name()?;
        let set = self.directory.create_directory(&name)?;
        for (file, bytes) in files.iter() {
            set.create_file(file, self.access, bytes)?;
        }
        set.set_mode(SET_MODE)?;
        set.sync()?;
        Ok(name)
    }

    /// Replaces the link to the current set.
    fn make_current(&self, set: &str) -> io::Result<()> {
        self.directory.remove_file(NEXT)?;
        self.directory.create_link(NEXT, set)?;
        self.directory.sync()?;
        self.directory.rename(NEXT, CURRENT)?;
        self.directory.sync()
    }

    /// Adds the missing links to files, and removes those of files that no longer exist.
    fn update_links(&self, files: &FileSet) -> io::Result<()> {
        for name in files.names() {
            if !self.is_link_to_file(name)? {
                self.directory.create_link(name, &link_target(name))?;
            }
        }
        for name in self.directory.entries()? {
            if !files.contains(&name) && self.is_link_to_file(&name)? {
                self.directory.remove_file(&name)?;
            }
        }
        self.directory.sync()
    }

    fn is_link_to_file(&self, name: &str) -> io::Result<bool> {
        Ok(self.directory.link(name)?.is_some_and(|target| target == link_target(name)))
    }

    /// Removes every set but the current one. Returns whether there was one.
    fn remove_leftovers(&self) -> io::Result<bool> {
        let current = self.current()?.map(|(name, _)| name);
        let entries = self.directory.entries()?.into_iter();
        let leftovers: Vec<_> =
            entries.filter(|name| is_set(name) && Some(name) != current.as_ref()).collect();
        for name in &leftovers {
            self.directory.remove_directory(name)?;
        }
        self.directory.remove_file(NEXT)?;
        Ok(!leftovers.is_empty())
    }

    /// Creates and removes an empty file, so that a user who may not set the owner of files learns
    /// it before anything is read from Vault.
    fn try_access(&self) -> io::Result<()> {
        let name = random_name()?;
        let created =
            self.directory.create_directory(&name)?.create_file("empty", self.access, b"");
        self.directory.remove_directory(&name)?;
        created
    }
}

/// Returns the target of the link to a file.
fn link_target(name: &str) -> String {
    format!("{CURRENT}/{name}")
}

/// Returns whether this program names a set like this.
fn is_set(name: &str) -> bool {
    name.strip_prefix(SET_PREFIX).is_some_and(|digits| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        digits.len() == SET_DIGITS && digits.bytes().all(is_digit)
    })
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; SET_DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{SET_PREFIX}{:016x}", u64::from_be_bytes(bytes)))
}

fn foreign(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, format!("{name} exists and was not created by km"))
}

#[cfg(test)]
mod tests;
