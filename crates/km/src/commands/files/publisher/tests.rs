//! Tests of kills, readers and planted entries.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::super::directory::interruption;
use super::*;

/// Names and bytes, as a reader finds them.
type Found = BTreeMap<String, String>;

const ACCESS: FileAccess = FileAccess::PRIVATE;

fn private_directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &TempDir) -> io::Result<Publisher> {
    Publisher::open(directory.path(), ACCESS)
}

fn files(pairs: &[(&str, &str)]) -> FileSet {
    FileSet::new(pairs.iter().copied())
}

fn found(pairs: &[(&str, &str)]) -> Found {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Publishes files, and removes the replaced set.
fn replace(directory: &TempDir, pairs: &[(&str, &str)]) -> io::Result<()> {
    let publisher = open(directory)?;
    let change = publisher.publish(&files(pairs))?;
    change.and_then(|change| change.replaced).map_or(Ok(()), |old| publisher.remove(&old))
}

/// Returns the current set, or `None` if there is none.
fn current(directory: &TempDir) -> Option<Found> {
    read_all(&fs::canonicalize(directory.path().join(CURRENT)).ok()?)
}

/// Returns all files in a directory, unless it is removed meanwhile.
fn read_all(directory: &Path) -> Option<Found> {
    let read = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        Some((entry.file_name().into_string().ok()?, fs::read_to_string(entry.path()).ok()?))
    };
    directory.read_dir().ok()?.map(read).collect()
}

/// Returns the names of all entries of the directory but the lock.
fn entries(directory: &TempDir) -> Vec<String> {
    let names = directory.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != LOCK);
    names.sort();
    names
}

/// Returns what a reader gets at each link to a file.
fn visible(directory: &TempDir) -> Found {
    let names = entries(directory).into_iter().filter(|name| !name.starts_with('.'));
    let read = |name: String| {
        let text = fs::read_to_string(directory.path().join(&name)).ok()?;
        Some((name, text))
    };
    names.filter_map(read).collect()
}

/// Returns whether only the owner may access every file of every set.
fn is_private(directory: &Path) -> bool {
    let entries = directory.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_dir()).flat_map(|set| set.read_dir().unwrap());
    files
        .map(|file| file.unwrap().metadata().unwrap())
        .all(|file| [0o400, 0o600].contains(&(file.mode() & 0o777)))
}

#[test]
fn kill_before_any_change_leaves_a_complete_set_and_the_next_start_completes() {
    let large = "x".repeat(200 * 1024);
    let old = [("BOTH", "old"), ("OLD", "old"), ("SAME", "same")];
    let new = [("BOTH", large.as_str()), ("NEW", "new"), ("SAME", "same")];
    for first in [&[][..], &old] {
        for changes in 0.. {
            let directory = private_directory();
            if !first.is_empty() {
                open(&directory).unwrap().publish(&files(first)).unwrap().unwrap();
            }
            let before = current(&directory);
            let completed = interruption::after(changes, || replace(&directory, &new));
            let after = current(&directory);
            assert!(after == before || after == Some(found(&new)), "after {changes} changes");
            assert!(is_private(directory.path()), "after {changes} changes");
            // A link whose file has gone or is yet to come leads nowhere.
            let set = after.unwrap_or_default();
            let visible = visible(&directory);
            assert!(visible.iter().all(|file| set.get(file.0) == Some(file.1)), "{changes}");

            replace(&directory, &new).unwrap();
            assert_eq!(current(&directory), Some(found(&new)), "after {changes} changes");
            assert_eq!(entries(&directory).len(), [CURRENT, "a set"].len() + new.len());
            if completed {
                assert!(changes > 15, "only {changes} changes");
                break;
            }
        }
    }
}

#[test]
fn start_after_a_kill_reports_that_a_change_was_interrupted() {
    let directory = private_directory();
    assert!(!open(&directory).unwrap().was_interrupted());
    open(&directory).unwrap().publish(&files(&[("A", "1")])).unwrap();
    assert!(!open(&directory).unwrap().was_interrupted());
    // The replaced set was not removed.
    open(&directory).unwrap().publish(&files(&[("A", "2")])).unwrap();
    assert!(open(&directory).unwrap().was_interrupted());
    assert!(!open(&directory).unwrap().was_interrupted());
}

#[test]
fn concurrent_readers_find_whole_sets_and_every_file() {
    const SETS: usize = 100;
    let directory = private_directory();
    let publisher = open(&directory).unwrap();
    let set = |number: usize| {
        let value = number.to_string().repeat(5_000);
        files(&[("A", &value), ("B", &value), ("C", &value)])
    };
    publisher.publish(&set(0)).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let whole_sets = || {
            while !ended.load(Ordering::Relaxed) {
                let set = current(&directory).unwrap();
                let values: Vec<_> = set.values().collect();
                assert_eq!(values.len(), 3);
                assert!(values.iter().all(|value| *value == values[0]), "a mixed set");
            }
        };
        let single_files = || {
            while !ended.load(Ordering::Relaxed) {
                // Like LiteLLM, which opens the path that the links lead to.
                let path = fs::canonicalize(directory.path().join("B")).unwrap();
                let text = fs::read_to_string(path).unwrap();
                assert!(text.len() >= 5_000 && text.len().is_multiple_of(5_000), "half a file");
            }
        };
        scope.spawn(whole_sets);
        scope.spawn(single_files);
        for number in 1..SETS {
            publisher.publish(&set(number)).unwrap().unwrap();
        }
        ended.store(true, Ordering::Relaxed);
    });
}

#[test]
fn equal_files_are_not_written_again() {
    let directory = private_directory();
    let publisher = open(&directory).unwrap();
    let change = publisher.publish(&files(&[("A", "1"), ("B", "2")])).unwrap().unwrap();
    assert_eq!(change, Change { names: vec!["A".to_owned(), "B".to_owned()], replaced: None });
    let identity = || {
        let file = fs::metadata(directory.path().join("A")).unwrap();
        (file.ino(), file.mtime_nsec())
    };
    let before = identity();
    assert_eq!(publisher.publish(&files(&[("A", "1"), ("B", "2")])).unwrap(), None);
    assert_eq!(identity(), before);
    for (changed, expected) in [
        (&[("A", "1"), ("B", "3")][..], &["B"][..]),
        (&[("A", "1"), ("B", "3\n")], &["B"]),
        (&[("A", "1")], &["B"]),
        (&[("A", "1"), ("C", "")], &["C"]),
        (&[], &["A", "C"]),
    ] {
        let change = publisher.publish(&files(changed)).unwrap().unwrap();
        assert_eq!(change.names, expected, "{changed:?}");
        assert_eq!(visible(&directory), found(changed));
        publisher.remove(&change.replaced.unwrap()).unwrap();
    }
    assert_eq!(entries(&directory).len(), 2);
}

#[test]
fn another_mode_replaces_equal_files() {
    let directory = private_directory();
    open(&directory).unwrap().publish(&files(&[("A", "1")])).unwrap();
    let mode = || fs::metadata(directory.path().join("A")).unwrap().mode() & 0o7777;
    assert_eq!(mode(), 0o400);
    let access = FileAccess { mode: Mode::RUSR | Mode::RGRP, ..ACCESS };
    let publisher = Publisher::open(directory.path(), access).unwrap();
    assert_eq!(publisher.publish(&files(&[("A", "1")])).unwrap().unwrap().names, ["A"]);
    assert_eq!(mode(), 0o440);
    let set = fs::metadata(directory.path().join(CURRENT)).unwrap();
    assert_eq!(set.mode() & 0o7777, 0o711);
}

#[test]
fn damaged_file_and_missing_link_are_restored() {
    let directory = private_directory();
    let publisher = open(&directory).unwrap();
    publisher.publish(&files(&[("A", "1"), ("B", "2")])).unwrap();
    fs::remove_file(directory.path().join("A")).unwrap();
    assert_eq!(publisher.publish(&files(&[("A", "1"), ("B", "2")])).unwrap(), None);
    assert_eq!(visible(&directory), found(&[("A", "1"), ("B", "2")]));
    fs::remove_file(fs::canonicalize(directory.path().join("B")).unwrap()).unwrap();
    let change = publisher.publish(&files(&[("A", "1"), ("B", "2")])).unwrap().unwrap();
    assert_eq!(change.names, ["B"]);
    assert_eq!(visible(&directory), found(&[("A", "1"), ("B", "2")]));
}

#[test]
fn entries_of_others_are_neither_followed_nor_replaced() {
    let outside = private_directory();
    let victim = outside.path().join("victim");
    fs::write(&victim, "kept").unwrap();
    let plant = |name: &str, make: &dyn Fn(&Path)| {
        let directory = private_directory();
        make(&directory.path().join(name));
        let published =
            open(&directory).and_then(|publisher| publisher.publish(&files(&[("A", "1")])));
        assert!(published.is_err(), "{name}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
        assert!(fs::symlink_metadata(directory.path().join(name)).is_ok(), "{name} was removed");
        assert!(current(&directory).is_none_or(|set| !set.contains_key("A")), "{name}");
    };
    let link_to_file = |path: &Path| symlink(&victim, path).unwrap();
    let link_to_directory = |path: &Path| symlink(outside.path(), path).unwrap();
    plant("A", &link_to_file);
    plant("A", &|path| fs::write(path, "of another program").unwrap());
    plant("A", &|path| fs::create_dir(path).unwrap());
    plant("A", &|path| symlink("..data/B", path).unwrap());
    plant(CURRENT, &link_to_directory);
    plant(CURRENT, &|path| symlink("..2026_01_02_03_04_05.678", path).unwrap());
    plant(CURRENT, &|path| fs::create_dir(path).unwrap());
    plant(LOCK, &link_to_file);
    plant(LOCK, &|path| fs::create_dir(path).unwrap());
    plant("..km-0123456789abcdef", &link_to_directory);
}

#[test]
fn planted_next_link_is_replaced_without_being_followed() {
    let (directory, outside) = (private_directory(), private_directory());
    symlink(outside.path(), directory.path().join(NEXT)).unwrap();
    open(&directory).unwrap().publish(&files(&[("A", "1")])).unwrap();
    assert_eq!(current(&directory), Some(found(&[("A", "1")])));
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
}

#[test]
fn only_sets_of_this_program_are_cleaned() {
    let directory = private_directory();
    let set = directory.path().join("..km-0123456789abcdef");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("A"), "leftover").unwrap();
    let others = ["..2026_01_02_03_04_05.678", "..km-0123", "..km-0123456789ABCDEF", "other"];
    for other in others {
        fs::create_dir(directory.path().join(other)).unwrap();
    }
    drop(open(&directory).unwrap());
    assert_eq!(entries(&directory), others);
}

#[test]
fn directory_has_one_writer() {
    let directory = private_directory();
    let first = open(&directory).unwrap();
    let error = open(&directory).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    drop(first);
    open(&directory).unwrap();
}

#[test]
fn directory_that_others_control_is_refused() {
    for mode in [0o777, 0o770, 0o1777, 0o702] {
        let directory = private_directory();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(open(&directory).is_err(), "{mode:o}");
        assert_eq!(entries(&directory).len(), 0, "{mode:o}");
    }
    let directory = private_directory();
    fs::write(directory.path().join("file"), "").unwrap();
    for missing in ["file", "missing", "file/below"] {
        assert!(Publisher::open(&directory.path().join(missing), ACCESS).is_err(), "{missing}");
    }
}

#[test]
fn set_has_all_names_only_if_each_has_a_file() {
    let directory = private_directory();
    let publisher = open(&directory).unwrap();
    assert!(!publisher.has_all(["A"]).unwrap());
    publisher.publish(&files(&[("A", "1"), ("B", "")])).unwrap();
    assert!(publisher.has_all(["A", "B"]).unwrap());
    assert!(!publisher.has_all(["A", "C"]).unwrap());
}
