//! Refreshes that a caller requests: of names, of all provider secrets in memory, and of one name
//! together with its value.
//!
//! A name is subject to the same checks as in a read. The cache decides whether a request is sent.

use std::pin::pin;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use km_settings::VaultOutcome;
use secret_cache::{Refreshed, Version};
use vault_http::Deadline;

use super::load::CachedSecret;
use super::load_error::LoadFailure;
use super::preload::MAX_CONCURRENT_READS;
use super::secret::Secret;
use super::{Cached, Located, NoValue, ReadError};
use crate::error::Error;
use crate::inner::Inner;
use crate::name::{self, Name};
use crate::route::{is_provider_key, outcome};

/// When a refresh reads a secret from Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresh {
    /// However young the cached value is.
    Always,
    /// Only if this version is cached. This is for a caller that found out that the version is no
    /// longer valid, for example because a provider rejected it.
    OfVersion(u64),
}

/// The outcome of a refresh.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RefreshOutcome {
    /// The name, without a leading `os.environ/`.
    pub name: String,
    /// The version that was cached before, if any.
    pub version_before: Option<u64>,
    /// The version that is cached now, if any. It is the old one if the refresh failed and the
    /// value may still be served.
    pub version_after: Option<u64>,
    /// The error of the refresh, or the error that a read of the name has now.
    pub error: Option<Error>,
}

/// A value that was refreshed for its reader.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefreshedSecret {
    /// The value. Its [`source`](Secret::source) is not [`Vault`](crate::Source::Vault) if it was
    /// not refreshed.
    pub secret: Secret,
    /// The error of the refresh, if it failed and the value is an older one.
    pub refresh_error: Option<Error>,
}

/// The outcome of a refresh of a secret in Vault.
pub(crate) enum RefreshedInVault {
    /// The cache returned this result.
    Ended(Refreshed<Name, CachedSecret, LoadFailure>),
    /// The refresh has not ended by its deadline. This value may still be served.
    TimedOut(Option<Cached>),
}

impl RefreshedInVault {
    pub(crate) fn error(&self) -> Option<ReadError> {
        match self {
            Self::Ended(refreshed) => refreshed.error.clone().map(ReadError::Cache),
            Self::TimedOut(_) => Some(ReadError::TimedOut),
        }
    }

    /// Returns the value for a reader, unless it has to be loaded.
    pub(crate) fn into_value(self) -> Option<Cached> {
        match self {
            Self::Ended(refreshed) => refreshed.into_value(),
            Self::TimedOut(value) => value,
        }
    }

    /// Returns the value without counting it as read.
    fn value(&self) -> Option<&Cached> {
        match self {
            Self::Ended(refreshed) => refreshed.value(),
            Self::TimedOut(value) => value.as_ref(),
        }
    }

    /// Returns the versions before and after.
    fn versions(&self) -> [Option<u64>; 2] {
        match self {
            Self::Ended(Refreshed { before, after, .. }) => {
                [before, after].map(|version| version.map(Version::number))
            }
            Self::TimedOut(value) => [value.as_ref().map(|value| value.version().number()); 2],
        }
    }
}

impl Inner {
    /// Implements [`KeyManager::refresh`](crate::KeyManager::refresh).
    pub(crate) async fn refresh_names(
        self: &Arc<Self>,
        references: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Vec<RefreshOutcome> {
        let located = references.into_iter().map(|reference| {
            let name = name::strip_reference(reference.as_ref()).to_owned();
            (name, self.located(reference.as_ref()))
        });
        self.refresh_located(located.collect()).await
    }

    /// Implements [`KeyManager::refresh_all`](crate::KeyManager::refresh_all).
    pub(crate) async fn refresh_all(self: &Arc<Self>) -> Vec<RefreshOutcome> {
        let mut names = self.cache.keys();
        names.retain(|name| is_provider_key(&self.settings, name.as_str()));
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        let located = names.into_iter().map(|name| {
            let text = name.as_str().to_owned();
            (text, Ok(Located::Vault(name)))
        });
        self.refresh_located(located.collect()).await
    }

    /// Refreshes names by one deadline for all, in any order. Returns the outcomes in the given
    /// order.
    async fn refresh_located(
        self: &Arc<Self>,
        names: Vec<(String, Result<Located, Error>)>,
    ) -> Vec<RefreshOutcome> {
        let deadline = self.read_deadline();
        let refreshes = names.into_iter().map(|(name, located)| {
            let inner = Arc::clone(self);
            async move {
                match located {
                    Ok(Located::Vault(name)) => {
                        inner.refresh(&name, Refresh::Always, deadline).await
                    }
                    Ok(Located::Environment(_)) => RefreshOutcome::without_versions(name, None),
                    Err(error) => RefreshOutcome::without_versions(name, Some(error)),
                }
            }
        });
        stream::iter(refreshes).buffered(MAX_CONCURRENT_READS).collect().await
    }

    /// Refreshes a secret in Vault.
    pub(crate) async fn refresh(
        &self,
        name: &Name,
        refresh: Refresh,
        deadline: Deadline,
    ) -> RefreshOutcome {
        let refreshed = self.refresh_in_vault(name, refresh, deadline).await;
        let [version_before, version_after] = refreshed.versions();
        let error = match refreshed.error() {
            Some(error) => self.refresh_error(name, &error),
            None => refreshed.value().and_then(|value| self.unusable(name, value)),
        };
        let name = name.as_str().to_owned();
        RefreshOutcome { name, version_before, version_after, error }
    }

    /// Implements [`KeyManager::refreshed_secret`](crate::KeyManager::refreshed_secret).
    pub(crate) async fn refreshed_secret(
        &self,
        reference: &str,
        refresh: Refresh,
    ) -> Result<RefreshedSecret, Error> {
        let name = match self.located(reference)? {
            Located::Vault(name) => name,
            Located::Environment(secret) => {
                return Ok(RefreshedSecret { secret, refresh_error: None });
            }
        };
        let refreshed = self.refresh_in_vault(&name, refresh, self.read_deadline()).await;
        let error = refreshed.error();
        let refresh_error = error.as_ref().and_then(|error| self.refresh_error(&name, error));
        let secret = match (refreshed.into_value(), &error) {
            (None, Some(error)) => self.fall_back(&name, &NoValue::Failed(error))?,
            (value, _) => self.read_vault(&name, value).await?,
        };
        Ok(RefreshedSecret { secret, refresh_error })
    }

    /// Refreshes a secret in the cache by a deadline.
    pub(crate) async fn refresh_in_vault(
        &self,
        name: &Name,
        refresh: Refresh,
        deadline: Deadline,
    ) -> RefreshedInVault {
        if deadline.has_passed() {
            return RefreshedInVault::TimedOut(self.cache.peek(name));
        }
        let load = async {
            match refresh {
                Refresh::Always => self.cache.refresh(name).await,
                Refresh::OfVersion(version) => self.cache.refresh_if_version(name, version).await,
            }
        };
        match deadline.bound(pin!(load)).await {
            Some(refreshed) => RefreshedInVault::Ended(refreshed),
            None => RefreshedInVault::TimedOut(self.cache.peek(name)),
        }
    }

    /// Returns the error of a refresh, unless Vault has no value and the environment provides one.
    fn refresh_error(&self, name: &Name, error: &ReadError) -> Option<Error> {
        let vault = error.load_failure().map(outcome);
        if vault == Some(VaultOutcome::NotFound)
            && matches!(self.environment.get(name.as_str(), VaultOutcome::NotFound), Ok(Some(_)))
        {
            return None;
        }
        Some(error.to_error(format!("refresh {}", name.as_str())))
    }

    /// Returns the error of a read if the field is missing or not a string.
    fn unusable(&self, name: &Name, value: &Cached) -> Option<Error> {
        let field = value.secret.fields.text(&self.settings.location.field);
        let error = field.err()?;
        self.fall_back(name, &NoValue::Unusable(&error)).err()
    }
}

impl RefreshOutcome {
    /// Returns the outcome for a name that is not looked up in Vault.
    pub(crate) fn without_versions(name: String, error: Option<Error>) -> Self {
        Self { name, version_before: None, version_after: None, error }
    }
}
