//! The client of a KV version 1 engine.
//!
//! It shares requests, checks and errors with the client of version 2. What differs is the mount
//! that it expects: one that is version 2 is never written to.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vault_http::{Deadline, ErrorKind as Http, Request, Session};

use crate::error::{Error, ErrorKind};
use crate::fields::{Exposed, Fields};
use crate::kv::Kv;
use crate::list::ListEntry;
use crate::mount::Mount;
use crate::mount_version::MountVersion;
use crate::path::SecretPath;
use crate::write::check_size;

/// The first segments of paths that have a meaning of their own on a version 2 engine.
const ENDPOINTS_OF_V2: [&str; 8] =
    ["config", "data", "delete", "destroy", "detailed-metadata", "metadata", "subkeys", "undelete"];

/// A client of the KV version 1 engine at one mount. Cheap to clone.
///
/// Version 1 has no versions, no check-and-set and no metadata: a write replaces the secret, and a
/// deletion is final. Deadlines and retries are those of [`Kv`].
///
/// ```no_run
/// # async fn read(session: vault_http::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use vault_kv::{KvV1, Mount, SecretPath};
///
/// let kv = KvV1::new(session, Mount::new("legacy")?);
/// let fields = kv.read(&SecretPath::new("database")?).await?;
/// let password = fields.text("password")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KvV1(Kv);

impl KvV1 {
    /// Creates a client of the engine at `mount`. Nothing is sent.
    pub fn new(session: Session, mount: Mount) -> Self {
        Self(Kv::expecting(MountVersion::V1, session, mount))
    }

    /// Like [`Kv::with_mount`].
    #[must_use]
    pub fn with_mount(&self, mount: Mount) -> Self {
        Self(self.0.with_mount(mount))
    }

    /// Like [`Kv::with_deadline`].
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self(self.0.with_deadline(deadline))
    }

    /// Like [`Kv::without_retries`].
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self(self.0.without_retries())
    }

    /// Returns the mount of the engine.
    pub fn mount(&self) -> &Mount {
        self.0.mount()
    }

    /// Like [`Kv::has_sent_change`].
    pub fn has_sent_change(&self) -> bool {
        self.0.has_sent_change()
    }

    /// Like [`Kv::mount_version`].
    ///
    /// # Errors
    /// Like [`Kv::mount_version`].
    pub async fn mount_version(&self) -> Result<MountVersion, Error> {
        self.0.mount_version().await
    }

    /// Reads the secret at `path`.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such secret.
    /// - [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 1.
    /// - [`ErrorKind::Exchange`] if the request fails.
    pub async fn read(&self, path: &SecretPath) -> Result<Fields, Error> {
        let kv = self.started();
        kv.check_name(path).await?;
        let deadline = kv.0.deadline();
        match kv.0.send(Request::get(kv.mount().secret(path)), deadline).await {
            Ok(response) => {
                response.expect_status(&[200]).map_err(Error::read)?;
                response.data().map_err(Error::read)
            }
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                kv.0.check_miss(deadline).await?;
                Err(miss)
            }
            Err(error) => Err(kv.explain(error).await),
        }
    }

    /// Reads the secret at `path` and converts it as [`Fields::parse`] does.
    ///
    /// # Errors
    /// Like [`KvV1::read`], and [`ErrorKind::InvalidFields`] if the fields do not fit the type.
    pub async fn read_as<T: DeserializeOwned>(&self, path: &SecretPath) -> Result<T, Error> {
        let fields = self.read(path).await?;
        let operation = || Request::get(self.mount().secret(path)).to_string();
        fields.parse().map_err(|error| Error::parse(operation(), error))
    }

    /// Replaces the secret at `path`. The engine requires at least one field.
    ///
    /// The first write to a mount looks up the mount.
    ///
    /// # Errors
    /// - [`ErrorKind::TooLarge`] if a value or the request exceeds the limits.
    /// - [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 1.
    /// - [`ErrorKind::Ambiguous`] if the response was lost. The request may be repeated if there is
    ///   no other writer.
    /// - [`ErrorKind::Exchange`] if the request fails and was certainly not executed.
    pub async fn write(&self, path: &SecretPath, fields: &Fields) -> Result<(), Error> {
        let request = Request::post(self.mount().secret(path), &Exposed(fields));
        let request = request.map_err(Error::write)?;
        check_size(&request, fields)?;
        self.change(path, request).await
    }

    /// Replaces the secret at `path` by the members of `value`, as [`Fields::from_serialize`]
    /// returns them.
    ///
    /// # Errors
    /// Like [`KvV1::write`], and [`ErrorKind::InvalidFields`] if `value` is not a JSON object.
    pub async fn write_value(
        &self,
        path: &SecretPath,
        value: &impl Serialize,
    ) -> Result<(), Error> {
        let fields = Fields::from_serialize(value);
        let fields = fields.map_err(|error| Error::serialize(&self.mount().secret(path), error))?;
        self.write(path, &fields).await
    }

    /// Deletes the secret at `path` permanently. Does nothing if there is none.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`].
    pub async fn delete(&self, path: &SecretPath) -> Result<(), Error> {
        self.change(path, Request::delete(self.mount().secret(path))).await
    }

    /// Lists the folder at `path`, like [`Kv::list`].
    ///
    /// # Errors
    /// Like [`KvV1::read`]. A folder that does not exist is empty.
    pub async fn list(&self, path: Option<&SecretPath>) -> Result<Vec<ListEntry>, Error> {
        let kv = self.started();
        if let Some(path) = path {
            kv.check_name(path).await?;
        }
        let mount = kv.mount();
        let folder = path.map_or_else(|| mount.full().clone(), |path| mount.secret(path));
        match kv.0.list_folder(folder).await {
            Ok(listed) => Ok(listed),
            Err(error) => Err(kv.explain(error).await),
        }
    }

    async fn change(&self, path: &SecretPath, request: Request) -> Result<(), Error> {
        let kv = self.started();
        kv.check_name(path).await?;
        match kv.0.send_change_without_data(request).await {
            Ok(()) => Ok(()),
            Err(error) => Err(kv.explain(error).await),
        }
    }

    /// Returns a client whose deadline is counted from now.
    fn started(&self) -> Self {
        self.with_deadline(self.0.deadline())
    }

    /// Verifies the version of the mount again if a version 2 engine would accept a request for
    /// this name, because a mount may have been upgraded since it was looked up.
    async fn check_name(&self, path: &SecretPath) -> Result<(), Error> {
        let decoded = path.decoded();
        let first = decoded.split('/').next().unwrap_or_default();
        if ENDPOINTS_OF_V2.contains(&first) {
            let version = self.0.mount_version().await?;
            self.0.require_expected(version)?;
        }
        Ok(())
    }

    /// Returns the error of the mount in place of one that a version 2 engine causes.
    async fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Exchange(Http::NoMount) {
            return error;
        }
        match self.0.mount_version().await {
            Ok(version) => self.0.require_expected(version).err().unwrap_or(error),
            Err(_) => error,
        }
    }
}
