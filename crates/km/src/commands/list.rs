//! `km list`: prints the names of global secrets.

use std::fmt::Display;

use km_proxy_adapter::{KeyManager, Listing, NameState};
use serde::Serialize;
use tracing::warn;

use crate::cli::ListArgs;
use crate::error::Failure;
use crate::io::{output, progress};

/// What the progress bar of a listing says.
pub(super) const LISTING: &str = "listing names";

pub(crate) async fn run(keys: &KeyManager, args: ListArgs, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        names: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        deleted: Option<Vec<String>>,
    }
    let listing = progress::during(LISTING, 0, async |progress| {
        let folder = args.prefix.as_deref();
        keys.list_with_progress(folder, |listed| progress.set(listed.completed, listed.total)).await
    });
    let listing = listing.await?;
    if json {
        let (names, deleted) = live_and_deleted(&listing, args.all);
        return output::json(&Document { names, deleted });
    }
    print(&listing, args.all)
}

/// Returns the live names and, with `all`, the deleted and destroyed ones.
pub(super) fn live_and_deleted<T: Display>(
    listing: &Listing<T>,
    all: bool,
) -> (Vec<String>, Option<Vec<String>>) {
    warn_unchecked(listing);
    let live = listing.live().map(ToString::to_string).collect();
    (live, all.then(|| listing.gone().map(ToString::to_string).collect()))
}

/// Prints the live names and, with `all`, the deleted and destroyed ones, marked as such.
pub(super) fn print<T: Display>(listing: &Listing<T>, all: bool) -> Result<(), Failure> {
    warn_unchecked(listing);
    let names = listing.names.iter().filter(|(_, state)| all || !state.is_gone());
    output::rows(names.map(|(name, state)| {
        let mark = match state {
            NameState::Live | NameState::Unknown => None,
            NameState::Deleted => Some("deleted"),
            NameState::Destroyed => Some("destroyed"),
        };
        [Some(name.to_string()), mark.map(str::to_owned)].into_iter().flatten()
    }))
}

/// Logs a warning if the listing may include deleted names.
pub(super) fn warn_unchecked<T>(listing: &Listing<T>) {
    if let Some(error) = &listing.metadata_error {
        warn!(
            error = error.message(),
            "deleted names are listed too: cannot read metadata (hint: allow `read` on it)"
        );
    }
}
