//! Reading what a configuration names before anybody asks for it.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};

use crate::error::Error;
use crate::key_manager::KeyManager;
use crate::name;
use crate::route::{Route, route};

/// Reads in flight: as many as the cache loads at a time.
const IN_FLIGHT: usize = 64;

/// A name that was read ahead, and how many were.
#[derive(Debug)]
#[non_exhaustive]
pub struct PreloadProgress<'a> {
    /// The name.
    pub name: &'a str,
    /// Why there is no value of it.
    pub error: Option<Error>,
    /// How many names have been read, this one included.
    pub completed: usize,
    /// How many there are.
    pub total: usize,
}

impl KeyManager {
    /// Reads the hosted keys, and every `os.environ/` name of the file that Vault is asked for, 64 at a
    /// time; tells of each as it comes. What can't be read now is read when it is asked for.
    ///
    /// A gateway calls this once, when it starts; a program that wants one value doesn't.
    pub async fn preload(&self, mut tell: impl FnMut(PreloadProgress<'_>)) {
        let names = self.configured();
        let (all, mut done) = (names.len(), 0);
        let reads = names.into_iter().map(|name| {
            let keys = self.clone();
            async move {
                let error = keys.secret(&name).await.err();
                (name, error)
            }
        });
        let mut reads = stream::iter(reads).buffer_unordered(IN_FLIGHT);
        while let Some((name, error)) = reads.next().await {
            done += 1;
            tell(PreloadProgress { name: &name, error, completed: done, total: all });
        }
    }

    /// The names that the settings speak of and Vault is asked for, each once.
    fn configured(&self) -> BTreeSet<String> {
        let settings = self.settings();
        let hosted = settings.hosted_keys.iter().flatten();
        let names = hosted.chain(&settings.references);
        let names = names.filter(|name| name::parse(name).is_ok());
        names.filter(|name| route(settings, name) == Route::Vault).cloned().collect()
    }
}
