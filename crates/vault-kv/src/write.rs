//! Writing, patching and deleting versions.

use serde::Serialize;
use vault_http::{ApiPath, ErrorKind as Http, Request};

use crate::error::{Error, ErrorKind};
use crate::fields::{Exposed, Fields};
use crate::kv::Kv;
use crate::path::SecretPath;
use crate::secret::VersionMetadata;

/// Largest value of a field, in bytes.
pub const MAX_VALUE_BYTES: usize = 768 * 1024;

/// Largest body of a write: raft takes 1 MiB with the engine's own bytes around it. A value whose
/// characters JSON has to escape may meet this bound first.
const MAX_BODY_BYTES: usize = 1_000 * 1024;

const DELETE: ApiPath = ApiPath::from_static("delete");
const UNDELETE: ApiPath = ApiPath::from_static("undelete");
const DESTROY: ApiPath = ApiPath::from_static("destroy");

/// Check-and-set: on what condition a write is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cas {
    /// On none.
    Any,
    /// Only when this is the latest version; 0: when there was never one.
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

impl Kv {
    /// Writes a new version of the secret at `path`.
    ///
    /// The first write to a mount asks what is mounted there: a version 1 engine would accept it.
    ///
    /// # Errors
    /// [`ErrorKind::CasMismatch`], [`ErrorKind::CasRequired`], [`ErrorKind::TooLarge`], [`ErrorKind::WrongKvVersion`],
    /// [`ErrorKind::Ambiguous`] when the answer was lost and a check-and-set version did not help to find
    /// out, and the failures of the exchange.
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
            Cas::Version(version) => self.settled(path, fields, version, request).await,
        }
    }

    /// Writes a new version that has the fields of the latest, with those of `fields` replaced.
    ///
    /// # Errors
    /// As [`Kv::write`], and [`ErrorKind::NotFound`].
    pub async fn patch(
        &self,
        path: &SecretPath,
        fields: &Fields,
        cas: Cas,
    ) -> Result<VersionMetadata, Error> {
        let request = Request::patch(self.mount.data(path), &Body::new(fields, cas));
        // A deleted version is answered with its metadata.
        let request = request.map_err(Error::write)?.accept_not_found_data();
        self.store(request, fields).await
    }

    pub(crate) async fn store(
        &self,
        request: Request,
        fields: &Fields,
    ) -> Result<VersionMetadata, Error> {
        if fields.longest() > MAX_VALUE_BYTES || request.body_len() > MAX_BODY_BYTES {
            let what = format!("{request}: a value is larger than 768 KiB, or 1,000 KiB as JSON");
            return Err(Error::answer(ErrorKind::TooLarge, what));
        }
        let answer = self.change(request, self.deadline()).await?;
        // A patch of a deleted version is answered with that version's metadata.
        if answer.status() == 404 && answer.data::<VersionMetadata>().is_ok() {
            return Err(Error::read(answer.error(Http::NotFound)));
        }
        answer.expect_status(&[200]).map_err(Error::write)?;
        answer.data().map_err(Error::write)
    }

    /// Deletes the latest version; it can be undeleted. No error when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKvVersion`], [`ErrorKind::Ambiguous`], and the failures of the exchange.
    pub async fn delete_latest(&self, path: &SecretPath) -> Result<(), Error> {
        self.change_only(Request::delete(self.mount.data(path))).await
    }

    /// Deletes these versions; they can be undeleted.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`].
    pub async fn delete_versions(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.mark(&DELETE, path, versions).await
    }

    /// Takes back the deletion of these versions.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`].
    pub async fn undelete(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.mark(&UNDELETE, path, versions).await
    }

    /// Removes the data of these versions for good.
    ///
    /// # Errors
    /// As [`Kv::delete_latest`].
    pub async fn destroy(&self, path: &SecretPath, versions: &[u64]) -> Result<(), Error> {
        self.mark(&DESTROY, path, versions).await
    }

    async fn mark(
        &self,
        endpoint: &ApiPath,
        path: &SecretPath,
        versions: &[u64],
    ) -> Result<(), Error> {
        let path = self.mount.endpoint(endpoint, path);
        let request = Request::post(path, &Versions { versions }).map_err(Error::write)?;
        self.change_only(request).await
    }
}
