//! The state that all clones of a [`KeyManager`](crate::KeyManager) share.
//!
//! It maps names of the global location to paths and back. The operations are in the modules that
//! use it.

use std::sync::Arc;

use km_settings::{Env, Settings};
use secret_cache::Cache;
use vault_http::ClientBuilder;
use vault_kv::{Kv, SecretPath};

use crate::connect::auth::Lifetime;
use crate::connect::mounts::{MountCache, mount};
use crate::connect::{self, Connection};
use crate::error::{Error, convert};
use crate::name::{self, Name};
use crate::read::environment::Environment;
use crate::read::load::{self, Loader};
use crate::status::health::HealthChecks;

/// The settings and everything that is built from them.
pub(crate) struct Inner {
    pub(crate) settings: Arc<Settings>,
    pub(crate) environment: Environment,
    pub(crate) connection: Connection,
    /// The KV engine of the global location.
    pub(crate) kv: Kv,
    pub(crate) cache: Cache<Name, Loader>,
    pub(crate) mounts: MountCache,
    pub(crate) health: HealthChecks,
    /// The path prefix of the global location.
    prefix: Option<SecretPath>,
}

impl Inner {
    /// Builds everything from the settings. Reads certificate files and sends nothing.
    pub(crate) fn new(
        settings: Settings,
        env: impl Env + 'static,
        lifetime: Lifetime,
        customize: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, Error> {
        let connection = connect::connect(&settings, lifetime, customize)?;
        let location = &settings.location;
        let mount = mount(location.namespace.as_deref(), &location.mount)?;
        let prefix = location.path_prefix.as_deref().map(SecretPath::new).transpose();
        let prefix = prefix.map_err(|why| convert::invalid_path("path prefix", &why))?;
        let kv = Kv::new(connection.session.clone(), mount);
        let settings = Arc::new(settings);
        let cache = load::cache(&kv, &connection.auth, &settings)?;
        let environment = Environment::new(env, &settings);
        let (mounts, health) = (MountCache::new(kv.clone()), HealthChecks::default());
        Ok(Self { settings, environment, connection, kv, cache, mounts, health, prefix })
    }

    /// Returns the KV engine with one deadline for all requests of an operation that starts now.
    pub(crate) fn kv_with_deadline(&self) -> Kv {
        self.kv.with_deadline(self.connection.session.deadline())
    }

    /// Resolves a name to its path in the global location.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it is not a valid path.
    pub(crate) fn resolve(&self, name: &str) -> Result<Name, Error> {
        Ok(Name::new(name, self.path(name)?))
    }

    /// Returns the path of a global secret.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub(crate) fn path(&self, name: &str) -> Result<SecretPath, Error> {
        let path = match &self.prefix {
            Some(prefix) => prefix.join(name),
            None => SecretPath::new(name),
        };
        path.map_err(|why| name::invalid("name", name, &why))
    }

    /// Returns the path of a folder of global secrets, or of the folder that contains them all.
    /// `None` is the root of the mount.
    pub(crate) fn folder(&self, name: Option<&str>) -> Result<Option<SecretPath>, Error> {
        match name {
            Some(name) => self.path(name).map(Some),
            None => Ok(self.prefix.clone()),
        }
    }

    /// Returns the name of the secret at `path`, or `None` if that is outside the global location.
    pub(crate) fn name_at(&self, path: SecretPath) -> Option<Name> {
        Name::at(path, self.settings.location.path_prefix.as_deref())
    }

    /// Returns a guard that invalidates the cache entry of `path` in the engine `kv`. Held during a
    /// write, it also covers a caller that drops the future of the write.
    pub(crate) fn invalidate_on_drop(&self, kv: &Kv, path: &SecretPath) -> InvalidateOnDrop<'_> {
        let is_cached = kv.mount().full() == self.kv.mount().full();
        let name = is_cached.then(|| self.name_at(path.clone())).flatten();
        InvalidateOnDrop { cache: &self.cache, name }
    }
}

/// A guard that invalidates a cache entry when it is dropped.
pub(crate) struct InvalidateOnDrop<'a> {
    cache: &'a Cache<Name, Loader>,
    name: Option<Name>,
}

impl Drop for InvalidateOnDrop<'_> {
    fn drop(&mut self) {
        self.name.iter().for_each(|name| self.cache.invalidate(name));
    }
}
