//! Reads the names of a configuration before they are requested.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use km_settings::Settings;

use crate::error::Error;
use crate::inner::Inner;
use crate::name;
use crate::ownership::configured_names;
use crate::route::{Route, route};

/// The number of concurrent reads; the cache runs as many loads at a time.
pub(crate) const MAX_CONCURRENT_READS: usize = 64;

/// The outcome for one name, and the progress of a preload.
#[derive(Debug)]
#[non_exhaustive]
pub struct PreloadProgress<'a> {
    /// The name.
    pub name: &'a str,
    /// The error of the read, if it failed.
    pub error: Option<Error>,
    /// The number of names that were read, including this one.
    pub completed: usize,
    /// The number of all names.
    pub total: usize,
}

/// Reads all configured names and reports each as it completes.
pub(crate) async fn preload(inner: &Arc<Inner>, mut on_progress: impl FnMut(PreloadProgress<'_>)) {
    let names = names_in_vault(&inner.settings);
    let (total, mut completed) = (names.len(), 0);
    let reads = names.into_iter().map(|name| {
        let inner = Arc::clone(inner);
        async move {
            let error = inner.secret(&name).await.err();
            (name, error)
        }
    });
    let mut reads = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_READS);
    while let Some((name, error)) = reads.next().await {
        completed += 1;
        on_progress(PreloadProgress { name: &name, error, completed, total });
    }
}

/// Returns the configured names that are looked up in Vault, each once.
fn names_in_vault(settings: &Settings) -> BTreeSet<String> {
    configured_names(settings)
        .filter(|name| name::parse(name).is_ok() && route(settings, name) == Route::Vault)
        .map(str::to_owned)
        .collect()
}
