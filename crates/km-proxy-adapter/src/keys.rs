//! What a gateway embeds: one object that knows where each key is.

use std::convert::identity;
use std::fmt;
use std::sync::Arc;

use km_settings::{Env, ProcessEnv, Settings};
use secret_cache::Cache;
use vault_http::{ApiPath, ClientBuilder};
use vault_kv::{Kv, Mount, SecretPath};

use crate::connect::{self, Link, Lives, bad_path};
use crate::engines::Engines;
use crate::environment::Environment;
use crate::error::Error;
use crate::load::{self, Loader};
use crate::name::{self, Name};
use crate::route::{Route, route, virtual_key};

/// The keys of a gateway: read through a cache, written to Vault. Cheap to clone; all clones share
/// the login and the cache.
#[derive(Clone)]
pub struct KeyManager(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) settings: Arc<Settings>,
    pub(crate) environment: Environment,
    pub(crate) link: Link,
    pub(crate) kv: Kv,
    prefix: Option<SecretPath>,
    pub(crate) cache: Cache<Name, Loader>,
    pub(crate) engines: Engines,
}

/// Forgets a secret when it is dropped.
pub(crate) struct Forget<'a> {
    cache: &'a Cache<Name, Loader>,
    name: Option<Name>,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.name.iter().for_each(|name| self.cache.invalidate(name));
    }
}

/// Where a name is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretLocation {
    /// In Vault.
    Vault {
        /// The path of the request, below `/v1/`.
        path: ApiPath,
        /// The field that holds the value.
        field: String,
    },
    /// In the process environment.
    Environment,
}

impl KeyManager {
    /// Makes the key manager of a gateway with these settings, with the process environment behind
    /// it. Certificate files are read; nothing is sent before the first key is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) with every file that can't be used any more.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        Self::connect_with(settings, ProcessEnv).await
    }

    /// The same with another environment to fall back to.
    ///
    /// # Errors
    /// As [`KeyManager::connect`].
    #[expect(clippy::unused_async, reason = "what has to wait may come, and callers are async")]
    pub async fn connect_with(settings: Settings, env: impl Env + 'static) -> Result<Self, Error> {
        Self::made(settings, env, Lives::Long, identity)
    }

    /// One for a program that asks for a key and ends: nothing is sent but what that takes. A token
    /// that was given is used as it is, so that one with a single use left is enough.
    ///
    /// # Errors
    /// As [`KeyManager::connect`].
    pub fn connect_once(settings: Settings, env: impl Env + 'static) -> Result<Self, Error> {
        Self::made(settings, env, Lives::Briefly, identity)
    }

    /// Like [`KeyManager::connect_with`], with requests sent by `transport` in place of connections.
    ///
    /// Tests of the programs over this crate run against a server in memory, on paused time. The
    /// transport is not part of [`Settings`], because no operator chooses one.
    ///
    /// # Errors
    /// Like [`KeyManager::connect`].
    #[cfg(feature = "test-util")]
    pub fn connect_over(
        settings: Settings,
        env: impl Env + 'static,
        transport: impl vault_http::transport::Transport,
    ) -> Result<Self, Error> {
        Self::made(settings, env, Lives::Long, |client| client.transport(transport))
    }

    fn made(
        settings: Settings,
        env: impl Env + 'static,
        lives: Lives,
        customize: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, Error> {
        let link = connect::link(&settings, lives, customize)?;
        let location = &settings.location;
        let mount = mount(location.namespace.as_deref(), &location.mount)?;
        let prefix = location.path_prefix.as_deref().map(SecretPath::new).transpose();
        let prefix = prefix.map_err(|why| bad_path("path prefix", why))?;
        let kv = Kv::new(link.session.clone(), mount);
        let settings = Arc::new(settings);
        let cache = load::cache(&kv, &settings)?;
        let environment = Environment::new(env, &settings);
        let engines = Engines::new(kv.clone());
        Ok(Self(Arc::new(Parts { settings, environment, link, kv, prefix, cache, engines })))
    }

    /// The settings that it was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Where `reference` is asked for first. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid name,
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for the name of a virtual key.
    pub fn locate(&self, reference: &str) -> Result<SecretLocation, Error> {
        let name = name::parse(reference)?;
        Ok(match route(&self.0.settings, name) {
            Route::VirtualKey => return Err(virtual_key(self.named(name)?.as_str())),
            Route::Environment => SecretLocation::Environment,
            Route::Vault => SecretLocation::Vault {
                path: self.0.kv.mount().data(&self.path(name)?),
                field: self.0.settings.location.field.clone(),
            },
        })
    }

    /// Whether a request that changes something in Vault was sent: from then on, to give up is to
    /// not know.
    pub fn has_sent_change(&self) -> bool {
        self.0.kv.has_sent_change()
    }

    /// What makes the cache forget `path` of the engine `kv` when it is dropped: at the end of what
    /// changes it, however that ends, a caller that gives up included.
    pub(crate) fn forget(&self, kv: &Kv, path: &SecretPath) -> Forget<'_> {
        let cached = kv.mount().full() == self.0.kv.mount().full();
        let name = cached.then(|| self.name_of(path.clone())).flatten();
        Forget { cache: &self.0.cache, name }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    /// The secret at a path of the location's own: below its prefix, or anywhere in its mount where
    /// it has none.
    pub(crate) fn name_of(&self, path: SecretPath) -> Option<Name> {
        Name::of(path, self.0.settings.location.path_prefix.as_deref())
    }

    /// The global secret of this name.
    pub(crate) fn named(&self, name: &str) -> Result<Name, Error> {
        Ok(Name::new(name, self.path(name)?))
    }

    /// The path of a global secret.
    pub(crate) fn path(&self, name: &str) -> Result<SecretPath, Error> {
        let path = match &self.0.prefix {
            Some(prefix) => prefix.join(name),
            None => SecretPath::new(name),
        };
        path.map_err(|why| name::unusable("name", name, why))
    }

    /// The path of a folder of global secrets, or of all of them.
    pub(crate) fn folder(&self, name: Option<&str>) -> Result<Option<SecretPath>, Error> {
        match name {
            Some(name) => self.path(name).map(Some),
            None => Ok(self.0.prefix.clone()),
        }
    }
}

/// The mount of a location.
pub(crate) fn mount(namespace: Option<&str>, mount: &str) -> Result<Mount, Error> {
    let mount = Mount::new(mount).map_err(|why| bad_path("mount", why))?;
    match namespace {
        Some(namespace) => mount.in_namespace(namespace).map_err(|why| bad_path("namespace", why)),
        None => Ok(mount),
    }
}

impl fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyManager").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
