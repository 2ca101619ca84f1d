//! Names with the state of their latest versions, because Vault's own listings include deleted
//! secrets.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use vault_http::ErrorKind as Http;
use vault_kv::{ErrorKind, Kv, SecretMetadata, SecretPath, VersionState};

use crate::error::{Error, convert};

/// The number of concurrent metadata reads; the client sends as many requests at a time.
const MAX_CONCURRENT_READS: usize = 64;

/// The names in a folder, in the order of the listing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listing<T> {
    /// Each name with the state of its latest version.
    pub names: Vec<(T, NameState)>,
    /// The error of reading the metadata, if the token may not; every state is then
    /// [`NameState::Unknown`].
    pub metadata_error: Option<Error>,
}

/// The state of a version of a secret; in a listing, of its latest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameState {
    /// The version can be read. Folders are live too.
    Live,
    /// The version is deleted, or none was written yet.
    Deleted,
    /// The version is destroyed: its data is permanently removed.
    Destroyed,
    /// The token may not read the metadata.
    Unknown,
}

impl<T> Listing<T> {
    /// Returns the names that are not known to be deleted or destroyed.
    pub fn live(&self) -> impl Iterator<Item = &T> {
        self.names.iter().filter(|(_, state)| !state.is_gone()).map(|(name, _)| name)
    }

    /// Returns the names whose latest version is deleted or destroyed.
    pub fn gone(&self) -> impl Iterator<Item = &T> {
        self.names.iter().filter(|(_, state)| state.is_gone()).map(|(name, _)| name)
    }

    fn without_states(names: Vec<T>, error: vault_kv::Error) -> Self {
        let names = names.into_iter().map(|name| (name, NameState::Unknown)).collect();
        let metadata_error = Some(convert::kv("read the metadata of the names", error));
        Self { names, metadata_error }
    }
}

impl NameState {
    /// Returns whether the latest version is deleted or destroyed.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::Destroyed)
    }
}

/// The progress of a listing: the number of names whose state was read, and that of all names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListProgress {
    /// The number of names whose state was read.
    pub completed: usize,
    /// The number of all names.
    pub total: usize,
}

/// Reads the state of each name, 64 at a time, and reports the progress at the start and after each.
/// A name without a path is a folder.
///
/// If the token may not read metadata, the reads stop at the first denial and all states are
/// unknown.
///
/// # Errors
/// Any other error of a metadata read.
pub(crate) async fn states<T: Clone>(
    kv: &Kv,
    names: Vec<(T, Option<SecretPath>)>,
    mut on_progress: impl FnMut(ListProgress),
) -> Result<Listing<T>, vault_kv::Error> {
    let reads = names.iter().map(async |(name, path)| {
        let state = match path {
            Some(path) => kv.metadata(path).await.map(|metadata| state(&metadata)),
            None => Ok(NameState::Live),
        };
        (name.clone(), state)
    });
    let mut reads = stream::iter(reads).buffered(MAX_CONCURRENT_READS);
    let mut listed = Vec::with_capacity(names.len());
    let mut progress = ListProgress { completed: 0, total: names.len() };
    on_progress(progress);
    while let Some((name, state)) = reads.next().await {
        progress.completed += 1;
        on_progress(progress);
        match state {
            Ok(state) => listed.push((name, state)),
            // Removed since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if is_denied(&error) => {
                drop(reads);
                let names = names.into_iter().map(|(name, _)| name).collect();
                return Ok(Listing::without_states(names, error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Listing { names: listed, metadata_error: None })
}

/// Returns whether the token may not read metadata. A token with one use left is used up by the
/// listing itself and is then invalid.
fn is_denied(error: &vault_kv::Error) -> bool {
    matches!(error.kind(), ErrorKind::Exchange(Http::Denied | Http::TokenInvalid))
}

fn state(metadata: &SecretMetadata) -> NameState {
    let latest = metadata.versions.get(&metadata.current_version);
    latest.map_or(NameState::Deleted, |latest| version_state(latest, time_of(metadata)))
}

/// Returns the state of a version at this time.
pub(crate) fn version_state(version: &VersionState, now: SystemTime) -> NameState {
    let is_deleted = |at: &String| humantime::parse_rfc3339(at).map_or(true, |at| at <= now);
    match &version.deletion_time {
        _ if version.destroyed => NameState::Destroyed,
        Some(at) if is_deleted(at) => NameState::Deleted,
        _ => NameState::Live,
    }
}

/// The resolution of the `Date` header, which is truncated to whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// Returns the time at which the states of the versions are determined: the latest time at which
/// the server may have sent them.
pub(crate) fn time_of(metadata: &SecretMetadata) -> SystemTime {
    match metadata.server_time {
        Some(date) => date.checked_add(DATE_RESOLUTION).unwrap_or(date),
        None => now(),
    }
}

/// Returns the wall-clock time, for a response without the server's time.
#[expect(clippy::disallowed_methods, reason = "only a proxy removes the `Date` header")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn state_is_that_of_the_latest_version() {
        let now = humantime::parse_rfc3339("2026-05-04T09:12:41Z").unwrap();
        let time = |at: SystemTime| humantime::format_rfc3339_nanos(at).to_string();
        let second = Duration::from_secs(1);
        // The server may have responded until the end of the second that it names.
        let (past, future) = (time(now - second), time(now + 2 * second));
        let within_the_second = time(now + second / 2);
        for (current, deleted, destroyed, expected) in [
            (2, "", false, NameState::Live),
            (2, future.as_str(), false, NameState::Live),
            (2, past.as_str(), false, NameState::Deleted),
            (2, within_the_second.as_str(), false, NameState::Deleted),
            (2, "not a time", false, NameState::Deleted),
            (2, "", true, NameState::Destroyed),
            (2, past.as_str(), true, NameState::Destroyed),
            (1, past.as_str(), true, NameState::Live),
            (0, "", false, NameState::Deleted),
        ] {
            let version = |deletion: &str, destroyed: bool| {
                json!({
                    "created_time": past, "deletion_time": deletion, "destroyed": destroyed,
                })
            };
            let metadata = json!({
                "current_version": current, "oldest_version": 1, "max_versions": 0,
                "cas_required": false, "delete_version_after": "0s", "created_time": past,
                "updated_time": past, "custom_metadata": null,
                "versions": { "1": version("", false), "2": version(deleted, destroyed) },
            });
            let mut metadata: SecretMetadata = serde_json::from_value(metadata).unwrap();
            metadata.server_time = Some(now);
            assert_eq!(state(&metadata), expected, "{current} {deleted:?} {destroyed}");
        }
    }
}
