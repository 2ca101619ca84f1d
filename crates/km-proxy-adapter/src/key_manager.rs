//! The entry point of the crate: an object that a gateway embeds.
//!
//! Its methods delegate. Writes and lists are in [`secrets`](crate::secrets), the login and the
//! check in [`lifecycle`](crate::lifecycle).

use std::convert::identity;
use std::fmt;
use std::sync::Arc;

use km_settings::{Env, ProcessEnv, Settings, TeamSettings};
use vault_http::ClientBuilder;

use crate::connect::auth::Lifetime;
use crate::entry::Entry;
use crate::error::Error;
use crate::inner::Inner;
use crate::name;
use crate::read::handle::Handle;
use crate::read::preload::{self, PreloadProgress};
use crate::read::refresh::{Refresh, RefreshOutcome, RefreshedSecret};
use crate::read::secret::Secret;
use crate::read::version::ReadOptions;
use crate::route::{Route, SecretLocation, route, virtual_key_denied};
use crate::virtual_keys::VirtualKeys;

/// The keys of a gateway, read through a cache and written to Vault.
///
/// Cheap to clone; all clones share the login and the cache.
#[derive(Clone)]
pub struct KeyManager(Arc<Inner>);

impl KeyManager {
    /// Creates the key manager of a gateway, with the process environment as the fallback.
    ///
    /// Certificate files are read; nothing is sent before the first operation.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] with every file that can no longer be used.
    ///
    /// [`ErrorKind::Settings`]: crate::ErrorKind::Settings
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        Self::connect_with(settings, ProcessEnv).await
    }

    /// Like [`connect`](Self::connect), but with another environment as the fallback.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    #[expect(clippy::unused_async, reason = "reserves the right to wait in a later version")]
    pub async fn connect_with(settings: Settings, env: impl Env + 'static) -> Result<Self, Error> {
        Self::new(settings, env, Lifetime::LongRunning, identity)
    }

    /// Creates a key manager for a program that runs one operation and exits.
    ///
    /// It sends only the requests that the operation needs. A static token is used without a
    /// look-up, so a token with a single use left is enough.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_once(settings: Settings, env: impl Env + 'static) -> Result<Self, Error> {
        Self::new(settings, env, Lifetime::OneShot, identity)
    }

    /// Like [`connect_with`](Self::connect_with), with requests sent by `transport` in place of
    /// connections.
    ///
    /// Tests of programs over this crate run against a server in memory, on paused time. The
    /// transport is not part of [`Settings`], because no operator chooses one.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    #[cfg(feature = "test-util")]
    pub fn connect_over(
        settings: Settings,
        env: impl Env + 'static,
        transport: impl vault_http::transport::Transport,
    ) -> Result<Self, Error> {
        let customize = |client: ClientBuilder| client.transport(transport);
        Self::new(settings, env, Lifetime::LongRunning, customize)
    }

    fn new(
        settings: Settings,
        env: impl Env + 'static,
        lifetime: Lifetime,
        customize: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner::new(settings, env, lifetime, customize)?)))
    }

    /// Returns the settings that this key manager was created from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns where `reference` is looked up first. Sends nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an invalid name, [`ErrorKind::Denied`] for the name of a virtual
    /// key.
    ///
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    pub fn locate(&self, reference: &str) -> Result<SecretLocation, Error> {
        let name = name::parse(reference)?;
        Ok(match route(&self.0.settings, name) {
            Route::VirtualKey => {
                return Err(virtual_key_denied(self.0.resolve(name)?.as_str()));
            }
            Route::Environment => SecretLocation::Environment,
            Route::Vault => SecretLocation::Vault {
                path: self.0.kv.mount().data(&self.0.path(name)?),
                field: self.0.settings.location.field.clone(),
            },
        })
    }

    /// Returns the value of a provider key, by its name or by a reference `os.environ/NAME`.
    ///
    /// A cached value is returned at the first poll, without an allocation. Other values are read
    /// from Vault through the cache, unless the access mode or `hosted_keys` excludes the name. If
    /// Vault has no value, the environment is used as far as
    /// [`environment_may_provide`](Settings::environment_may_provide) allows.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no value.
    /// - [`ErrorKind::Denied`] for the name of a virtual key, or if a policy forbids the read.
    /// - [`ErrorKind::Usage`] for an invalid name.
    /// - [`ErrorKind::StoredValue`] if the field is missing or not a string.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::StoredValue`]: crate::ErrorKind::StoredValue
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    #[inline(always)]
    pub fn secret<'a>(
        &'a self,
        reference: &'a str,
    ) -> impl Future<Output = Result<Secret, Error>> + Send + Unpin + use<'a> {
        self.0.secret(reference)
    }

    /// Like [`secret`](Self::secret), but returns another field, or the value in another version.
    ///
    /// These come from Vault alone, because a value of the environment has no fields and no
    /// versions. A given version is read from Vault each time.
    ///
    /// # Errors
    /// As [`secret`](Self::secret), and:
    /// - [`ErrorKind::NotFound`] if the version is deleted or destroyed, or does not exist.
    /// - [`ErrorKind::Denied`] if the access mode or `hosted_keys` excludes the name.
    /// - [`ErrorKind::Usage`] for version 0.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    pub async fn secret_with(
        &self,
        reference: &str,
        options: &ReadOptions,
    ) -> Result<Secret, Error> {
        self.0.secret_with(reference, options).await
    }

    /// Returns a handle for repeated reads of one provider key, by its name or by a reference
    /// `os.environ/NAME`. Sends nothing.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    pub fn handle(&self, reference: &str) -> Result<Handle, Error> {
        Handle::new(Arc::clone(&self.0), reference)
    }

    /// Invalidates the cache entry of a provider key, by its name or by a reference
    /// `os.environ/NAME`. The next read waits for Vault.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an invalid name.
    pub fn invalidate(&self, reference: &str) -> Result<(), Error> {
        self.0.invalidate(reference)
    }

    /// Reads provider keys from Vault again, by their names or by references `os.environ/NAME`,
    /// however young their cached values are. Returns the outcomes in the order of the names.
    ///
    /// If the refresh of a name fails, its cached value stays and is served for as long as it would
    /// have been, unless Vault responded that there is none. Concurrent refreshes of a name share
    /// one request, which is sent after both were called. A name is read at most once a second: a
    /// repeat within that time has the previous outcome. While Vault is unavailable, one request a
    /// second is sent for all cached names, and the others fail with its last error. The deadline of
    /// an operation applies to the call as a whole.
    ///
    /// The outcome of a name that is not looked up in Vault has no versions. Its error is that of
    /// [`secret`](Self::secret).
    pub async fn refresh(
        &self,
        references: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Vec<RefreshOutcome> {
        self.0.refresh_names(references).await
    }

    /// Refreshes all cached provider keys, like [`refresh`](Self::refresh). Returns the outcomes in
    /// the order of the names. Virtual keys are not provider keys.
    pub async fn refresh_all(&self) -> Vec<RefreshOutcome> {
        self.0.refresh_all().await
    }

    /// Returns the value of a provider key, like [`secret`](Self::secret), after a
    /// [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// As [`secret`](Self::secret). If the refresh fails and there is a cached value that may be
    /// served, the result is that value, with the error of the refresh.
    pub async fn refreshed_secret(
        &self,
        reference: &str,
        refresh: Refresh,
    ) -> Result<RefreshedSecret, Error> {
        self.0.refreshed_secret(reference, refresh).await
    }

    /// Reads the hosted keys and every `os.environ/` name of the configuration file that is
    /// looked up in Vault, 64 at a time, and reports each to `on_progress` as it completes.
    ///
    /// A gateway calls this once at startup. A name that fails is read again when it is requested.
    pub async fn preload(&self, on_progress: impl FnMut(PreloadProgress<'_>)) {
        preload::preload(&self.0, on_progress).await;
    }

    /// Returns the virtual keys of a team, or those of the global location for `None`. Sends
    /// nothing.
    ///
    /// If the settings of a team can't be obtained, report an error: `None` would store its keys
    /// among those of everybody else.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the team's settings contradict the global ones,
    /// [`ErrorKind::Denied`] if the team may not use the location that they name.
    ///
    /// [`ErrorKind::Settings`]: crate::ErrorKind::Settings
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    pub fn virtual_keys(&self, team: Option<&TeamSettings>) -> Result<VirtualKeys, Error> {
        VirtualKeys::new(Arc::clone(&self.0), team)
    }

    /// Returns the secret or the folder at `path` in the mount. Sends nothing.
    ///
    /// The path includes the path prefix of the location. An empty path is the root of the mount.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an invalid path, [`ErrorKind::Denied`] if it is not below the path
    /// prefix.
    ///
    /// [`ErrorKind::Usage`]: crate::ErrorKind::Usage
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    pub fn entry(&self, path: &str) -> Result<Entry, Error> {
        Entry::new(Arc::clone(&self.0), path)
    }

    /// Returns the namespace and the mount of the global location as in the path of a request, but
    /// decoded.
    pub fn mount(&self) -> String {
        self.0.kv.mount().full().decoded().into_owned()
    }

    /// Returns whether a request that changes something in Vault was sent. A program that gives up
    /// after that can't know whether the change was made.
    pub fn has_sent_change(&self) -> bool {
        self.0.kv.has_sent_change()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyManager").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
