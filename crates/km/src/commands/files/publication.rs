//! Publishes values to a directory without blocking the caller's thread on the file system.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use km_proxy_adapter::{ErrorKind, Secret};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::access::FileAccess;
use super::file_set::FileSet;
use super::publisher::{Change, Publisher, ReplacedSet};
use crate::cli::GlobalArgs;
use crate::error::Failure;
use crate::io::log::WATCH;

/// How long a replaced set remains. A reader that has resolved the links of a path, as LiteLLM does
/// before it opens a file, still finds the file.
const GRACE: Duration = Duration::from_secs(1);

/// The pause before another attempt to write the files.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The directory that values are published to, and its sets that were replaced.
pub(crate) struct Publication {
    publisher: Arc<Publisher>,
    removals: JoinSet<()>,
    /// The time of the next attempt, if the last one failed.
    retry_at: Option<Instant>,
}

impl Publication {
    /// Opens the directory of an option. Logs a warning if the files may remain on a disk, or if
    /// every user can read them, unless `--json` reserves stderr for the error.
    ///
    /// # Errors
    ///
    /// `Usage` if files cannot be published there, or not safely.
    pub(crate) async fn open(
        global: &GlobalArgs,
        option: &'static str,
        path: PathBuf,
        access: FileAccess,
    ) -> Result<Self, Failure> {
        let directory = path.clone();
        let opened = blocking(move || Publisher::open(&path, access)).await;
        let publisher = opened.map_err(|error| {
            let what = format!("usage: {option} {}: {error}", directory.display());
            Failure::new(ErrorKind::Usage, what, hint(&error))
        })?;
        if publisher.is_in_memory() == Some(false) && !global.json {
            warn!(?directory, "the files are stored on a disk: use a directory on a tmpfs");
        }
        if access.is_public() && !global.json {
            warn!(?directory, "the mode of the files lets every user read them");
        }
        Ok(Self { publisher: Arc::new(publisher), removals: JoinSet::new(), retry_at: None })
    }

    /// Verifies that no other program's entry is in the place of one of these files.
    ///
    /// # Errors
    ///
    /// `Usage`.
    pub(crate) async fn check(&self, names: impl Iterator<Item = &str>) -> Result<(), Failure> {
        let names: Vec<_> = names.map(str::to_owned).collect();
        let publisher = Arc::clone(&self.publisher);
        let checked = blocking(move || publisher.check(names.iter().map(String::as_str))).await;
        checked.map_err(|error| self.failed(ErrorKind::Usage, &error))
    }

    /// Returns whether readers are to be notified of the first change of this process: if it
    /// replaced files, or if an earlier process ended before it completed a change, of which they
    /// may not have been notified.
    pub(crate) fn must_notify_after_start(&self, first: Option<&Change>) -> bool {
        let is_replaced = first.is_some_and(|change| change.replaced.is_some());
        is_replaced || self.publisher.was_interrupted()
    }

    /// Returns whether there is a file with each of these names.
    pub(crate) async fn has_all(&self, names: impl Iterator<Item = &str>) -> bool {
        let names: Vec<_> = names.map(str::to_owned).collect();
        let publisher = Arc::clone(&self.publisher);
        let found = blocking(move || publisher.has_all(names.iter().map(String::as_str))).await;
        found.unwrap_or(false)
    }

    /// Replaces all files by these, unless they are equal. Returns the change, whose names are
    /// logged.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the file system fails. The files are unchanged then, and
    /// [`retry_due`](Self::retry_due) returns some time later.
    pub(crate) async fn publish(
        &mut self,
        files: impl Iterator<Item = (&str, &Secret)>,
    ) -> Result<Option<Change>, Failure> {
        let files = FileSet::new(files.map(|(name, value)| (name, value.expose())));
        let published = self.publish_set(files).await;
        self.retry_at = published.is_err().then(|| Instant::now() + RETRY_INTERVAL);
        if let Ok(Some(change)) = &published {
            let names = change.names.join(", ");
            info!(target: WATCH, names, "files written");
        }
        published
    }

    /// Like [`publish`](Self::publish), but logs a failure.
    pub(crate) async fn publish_or_log(
        &mut self,
        files: impl Iterator<Item = (&str, &Secret)>,
    ) -> Option<Change> {
        self.publish(files).await.unwrap_or_else(|failure| {
            for (error, _) in failure.problems() {
                warn!(target: WATCH, error, "cannot update the files: the current ones remain");
            }
            None
        })
    }

    /// Waits until another attempt is due after a failed one. Never returns if none failed.
    /// Cancel-safe.
    pub(crate) async fn retry_due(&self) {
        match self.retry_at {
            Some(time) => sleep_until(time).await,
            None => pending().await,
        }
    }

    /// Removes all files at once. A failure is logged.
    pub(crate) async fn remove_all(mut self) {
        self.removals.abort_all();
        let publisher = Arc::clone(&self.publisher);
        if let Err(error) = blocking(move || publisher.remove_all()).await {
            warn!(%error, "cannot remove the files");
        }
    }

    /// Waits until replaced sets are removed.
    pub(crate) async fn finish(mut self) {
        while self.removals.join_next().await.is_some() {}
    }

    async fn publish_set(&mut self, files: FileSet) -> Result<Option<Change>, Failure> {
        let publisher = Arc::clone(&self.publisher);
        let change = blocking(move || publisher.publish(&files)).await;
        let change = change.map_err(|error| self.failed(ErrorKind::Unavailable, &error))?;
        if let Some(replaced) = change.as_ref().and_then(|change| change.replaced.clone()) {
            self.remove_later(replaced);
        }
        while self.removals.try_join_next().is_some() {}
        Ok(change)
    }

    fn remove_later(&mut self, replaced: ReplacedSet) {
        let publisher = Arc::clone(&self.publisher);
        self.removals.spawn(async move {
            sleep(GRACE).await;
            if let Err(error) = blocking(move || publisher.remove(&replaced)).await {
                warn!(%error, "cannot remove the replaced files");
            }
        });
    }

    fn failed(&self, kind: ErrorKind, error: &io::Error) -> Failure {
        let what = format!("write the files in {}: {error}", self.publisher.path().display());
        Failure::new(kind, what, hint(error))
    }
}

/// Runs `work` on a blocking thread, because a file system may hang.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other).flatten()
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "create the directory with `install -d -m 0700 DIR`",
        io::ErrorKind::WouldBlock => "stop the other process, or name another directory",
        io::ErrorKind::AlreadyExists => "remove that entry, or name another directory",
        io::ErrorKind::PermissionDenied => "run km as the owner of the directory and of the files",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        _ => "name a directory that no other user can change or replace",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(directory: &tempfile::TempDir) -> Publication {
        let path = directory.path().to_owned();
        let publisher = Publisher::open(&path, FileAccess::PRIVATE).unwrap();
        Publication { publisher: Arc::new(publisher), removals: JoinSet::new(), retry_at: None }
    }

    #[tokio::test(start_paused = true)]
    async fn replaced_file_is_found_at_its_resolved_path_for_a_second() {
        let directory = tempfile::tempdir().unwrap();
        let mut publication = open(&directory);
        publication.publish_set(FileSet::new([("A", "1")])).await.unwrap();
        let resolved = fs::canonicalize(directory.path().join("A")).unwrap();
        publication.publish_set(FileSet::new([("A", "2")])).await.unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("A")).unwrap(), "2");
        // Time passes once nothing else is left to do.
        sleep(GRACE / 2).await;
        assert_eq!(fs::read_to_string(&resolved).unwrap(), "1");
        publication.finish().await;
        assert!(!resolved.exists());
        assert_eq!(fs::read_to_string(directory.path().join("A")).unwrap(), "2");
    }

    #[tokio::test]
    async fn removal_of_all_files_leaves_no_secret_and_does_not_wait() {
        let directory = tempfile::tempdir().unwrap();
        let mut publication = open(&directory);
        publication.publish_set(FileSet::new([("A", "1"), ("B", "1")])).await.unwrap();
        publication.publish_set(FileSet::new([("A", "2"), ("B", "1")])).await.unwrap();
        let start = Instant::now();
        publication.remove_all().await;
        assert!(start.elapsed() < GRACE);
        let files = walk(directory.path());
        assert!(files.iter().all(Vec::is_empty), "{} files", files.len());
    }

    /// Returns the content of every file below a directory.
    fn walk(directory: &std::path::Path) -> Vec<Vec<u8>> {
        let entries = directory.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let content = |path: PathBuf| {
            if path.is_dir() { walk(&path) } else { vec![fs::read(path).unwrap()] }
        };
        entries.flat_map(content).collect()
    }
}
