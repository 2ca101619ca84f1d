//! Operations that write, patch and delete versions.
//!
//! [`ambiguous`](crate::ambiguous) resolves a check-and-set write whose response was lost.

use serde::Serialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};

use crate::error::{Error, ErrorKind};
use crate::fields::{Exposed, Fields};
use crate::kv::Kv;
use crate::path::SecretPath;
use crate::secret::VersionMetadata;

/// The largest value of a field, in bytes.
pub const MAX_VALUE_BYTES: usize = 768 * 1024;

/// The largest body of a write, in bytes. Vault's integrated storage takes entries of up to 1 MiB,
/// the engine's own overhead included. A value with many characters that JSON escapes may reach
/// this limit before [`MAX_VALUE_BYTES`].
const MAX_BODY_BYTES: usize = 1_000 * 1024;

const DELETE: ApiPath = ApiPath::from_static("delete");
const UNDELETE: ApiPath = ApiPath::from_static("undelete");
const DESTROY: ApiPath = ApiPath::from_static("destroy");

/// The check-and-set condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cas {
    /// No condition.
    Any,
    /// Write only if this is the latest version. 0 is a secret without any version.
    Version(u64),
}

#[derive(Serialize)]
struct Body<'a> {
    data: Exposed<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

#[derive(Serialize)]
struct Versions<'a> {
    versions: &'a [u64],
}

impl<'a> Body<'a> {
    fn new(fields: &'a Fields, cas: Cas) -> Self {
        let options = match cas {
            Cas::Any => None,
            Cas::Version(cas) => Some(Options { cas }),
        };
        Self { data: Exposed(fields), options }
    }
}

/// Verifies that a request that writes `fields` does not exceed the limits.
pub(crate) fn check_size(request: &Request, fields: &Fields) -> Result<(), Error> {
    if fields.longest_value() <= MAX_VALUE_BYTES && request.body_len() <= MAX_BODY_BYTES {
        return Ok(());
    }
    let description = format!("{request}: a value is larger than 768 KiB, or 1,000 KiB as JSON");
    Err(Error::response(ErrorKind::TooLarge, description))
}

impl Kv {
    /// Writes a new version of the secret at `path`.
    ///
    /// The first write to a mount looks up the mount, because a version 1 engine would accept the
    /// request.
    ///
    /// # Errors
    /// - [`ErrorKind::CasMismatch`] if the latest version is another one.
    /// - [`ErrorKind::CasRequired`] if the secret requires a check-and-set version.
    /// - [`ErrorKind::TooLarge`] if a value or the request exceeds the limits.
    /// - [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 2.
    /// - [`ErrorKind::Ambiguous`] if the response was lost. With [`Cas::Version`] the secret is
    ///   read to find out what happened, and this is returned only if that fails.
    /// - [`ErrorKind::Exchange`] if the request fails and was certainly not executed.
    pub async fn write(
        &self,
        path: &SecretPath,
        fields: &Fields,
        cas: Cas,
    ) -> Result<VersionMetadata, Error> {
        let request = Request::post(self.mount.data(path), &Body::new(fields, cas));
        let request = request.map_err(Error::write)?;
        match cas {
            Cas::Any => self.store(request, fields).await,
            Cas::Version(version) => self.write_resolved(path, fields, version, request).await,
        }
    }

    /// Writes the members of `value` as a new version, as [`Fields::from_serialize`] returns them.
    /// Nothing that is not zeroized remains in memory, apart from `value` itself.
    ///
    /// ```
    /// # async fn store(kv: &vault_kv::Kv) -> Result<(), Box<dyn std::error::Error>> {
    /// use secrecy::SecretString;
    /// use vault_kv::{Cas, SecretPath};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Database {
    ///     user: String,
    ///     #[serde(serialize_with = "vault_kv::serialize_exposed")]
    ///     password: SecretString,
    /// }
    ///
    /// let database = Database { user: "app".into(), password: "s3cret".into() };
    /// kv.write_value(&SecretPath::new("app/database")?, &database, Cas::Version(0)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Like [`Kv::write`], and [`ErrorKind::InvalidFields`] if `value` is not a JSON object.
    pub async fn write_value(
        &self,
        path: &SecretPath,
        value: &impl Serialize,
        cas: Cas,
    ) -> Result<VersionMetadata, Error> {
        let fields = Fields::from_serialize(value);
        let fields = fields.map_err(|error| Error::serialize(&self.mount.data(path), error))?;
        self.write(path, &fields, cas).await
    }

    /// Writes a new version in which `fields` are added to those of the latest version, or replace
    /// them.
    ///
    /// # Errors
    /// Like [`Kv::write`], and [`ErrorKind::NotFound`] if there is no version with data.
    pub async fn patch(
        &self,
        path: &SecretPath,
        fields: &Fields,
        cas: Cas,
    ) -> Result<VersionMetadata, Error> {
        let request = Request::patch(self.mount.data(path), &Body::new(fields, cas));
        // Vault answers a patch of a deleted version with 404 and the metadata of the version.
        let request = request.map_err(Error::write)?.accept_not_found_data();
        self.store(request, fields).await
    }

    /// Sends a write once, apart from retries that are safe.
    pub(crate) async fn store(
        &self,
        request: Request,
        fields: &Fields,
    ) -> Result<VersionMetadata, Error> {
        check_size(&request, fields)?;
        let response = self.send_change(request, self.deadline()).await?;
        // A patch of a deleted version.
        if response.status() == 404 && response.data::<VersionMetadata>().is_ok() {
            return Err(Error::read(response.error(Http::NotFound)));
        }
        response.expect_status(&[200]).map_err(Error::write)?;
        response.data().map_err(Error::write)
    }

    /// Deletes the latest version, which can be undeleted. Does nothing if there is none.
    ///
    /// # Errors
    /// - [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 2.
    /// - [`ErrorKind::Ambiguous`] if the response was lost. The request may be repeated.
    /// - [`ErrorKind::Exchange`] if the request fails and was certainly not executed.
    pub async fn delete_latest(&self, path: &SecretPath) -> Result<(), Error> {
        self.send_change_without_data(Request::delete(self.mount.data(path))).await
    }

    /// Deletes these versions, which can be undeleted.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`].
    pub async fn delete_versions(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.post_versions(&DELETE, path, versions).await
    }

    /// Undeletes these versions.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`].
    pub async fn undelete(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.post_versions(&UNDELETE, path, versions).await
    }

    /// Destroys the data of these versions permanently.
    ///
    /// # Errors
    /// Like [`Kv::delete_latest`].
    pub async fn destroy(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.post_versions(&DESTROY, path, versions).await
    }

    async fn post_versions(
        &self,
        endpoint: &ApiPath,
        path: &SecretPath,
        versions: &[u64],
    ) -> Result<(), Error> {
        let path = self.mount.endpoint(endpoint, path);
        let request = Request::post(path, &Versions { versions }).map_err(Error::write)?;
        self.send_change_without_data(request).await
    }
}
