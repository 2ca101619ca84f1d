//! Verifies that no other user can replace a file, by the owners and modes of all directories above
//! it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The mode bits that let the group or every user add, remove and rename entries.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The mode bit that reserves renaming and removing an entry for its owner.
const STICKY: u32 = 0o1000;

/// The number of symbolic links that are followed on the way to a file, as in Linux.
const MAX_LINKS: u32 = 40;

/// Returns the directory of `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Verifies that no other user can replace the file at `path`, which need not exist.
///
/// Its directory must not be writable by others. A directory above that may be if it is sticky,
/// because the entries on the way are verified to belong to this user or to root.
///
/// # Errors
///
/// Names the directory or the entry that another user controls.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    let directory = parent(path);
    check_owner_and_mode(directory, false)?;
    let mut links_left = MAX_LINKS;
    check_ancestors(&std::path::absolute(directory)?, &mut links_left)
}

/// Verifies every directory above `path`, and above the targets of the links on the way.
fn check_ancestors(path: &Path, links_left: &mut u32) -> io::Result<()> {
    let mut parent = PathBuf::new();
    for component in path.components() {
        let entry = parent.join(component);
        if !parent.as_os_str().is_empty() {
            check_owner_and_mode(&parent, true)?;
            check_entry(&parent, &entry, links_left)?;
        }
        parent = entry;
    }
    Ok(())
}

/// Verifies the owner of one entry of a directory, and follows it if it is a link.
fn check_entry(parent: &Path, entry: &Path, links_left: &mut u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(entry)?;
    if fs::metadata(parent)?.mode() & WRITABLE_BY_OTHERS != 0 && !is_trusted(metadata.uid()) {
        return Err(untrusted(entry, "belongs to another user"));
    }
    if !metadata.is_symlink() {
        return Ok(());
    }
    *links_left = links_left
        .checked_sub(1)
        .ok_or_else(|| untrusted(entry, "leads through too many symbolic links"))?;
    check_ancestors(&parent.join(fs::read_link(entry)?), links_left)
}

fn check_owner_and_mode(directory: &Path, may_be_sticky: bool) -> io::Result<()> {
    let metadata = fs::metadata(directory)?;
    if !is_trusted(metadata.uid()) {
        return Err(untrusted(directory, "belongs to another user"));
    }
    let is_protected = may_be_sticky && metadata.mode() & STICKY != 0;
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 && !is_protected {
        return Err(untrusted(directory, "is writable by others"));
    }
    Ok(())
}

/// Returns whether a user is root or the one of this process.
pub(crate) fn is_trusted(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

fn untrusted(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn directory(path: &Path, mode: u32) {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn directory_that_others_can_write_to_is_rejected_at_every_level() {
        // (mode of the upper directory, mode of the file's directory, whether that is safe)
        for (upper, lower, expected) in [
            (0o755, 0o700, true),
            (0o755, 0o755, true),
            (0o1777, 0o700, true),
            (0o755, 0o1777, false),
            (0o755, 0o770, false),
            (0o777, 0o700, false),
            (0o775, 0o700, false),
        ] {
            let root = tempfile::tempdir().unwrap();
            let (outer, inner) = (root.path().join("outer"), root.path().join("outer/inner"));
            directory(&outer, upper);
            directory(&inner, lower);
            let checked = check(&inner.join("file"));
            assert_eq!(checked.is_ok(), expected, "{upper:o} {lower:o}: {checked:?}");
        }
    }

    #[test]
    fn link_in_a_directory_that_others_can_write_to_is_untrusted() {
        let root = tempfile::tempdir().unwrap();
        let (open, safe) = (root.path().join("open"), root.path().join("safe"));
        directory(&open, 0o777);
        directory(&safe, 0o700);
        symlink(&safe, open.join("link")).unwrap();
        // Reached directly, and through a link whose target is another link.
        symlink(open.join("link"), root.path().join("first")).unwrap();
        for link in [open.join("link"), root.path().join("first")] {
            assert!(check(&link.join("file")).is_err(), "{}", link.display());
        }
        symlink(&safe, root.path().join("good")).unwrap();
        check(&root.path().join("good/file")).unwrap();
    }

    #[test]
    fn loop_of_links_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        symlink(root.path().join("b"), root.path().join("a")).unwrap();
        symlink(root.path().join("a"), root.path().join("b")).unwrap();
        assert!(check(&root.path().join("a/file")).is_err());
    }
}
