//! Writes of secrets: of all fields, or of the value alone.

use km_settings::Location;
use secrecy::SecretString;
use vault_http::ApiPath;
use vault_kv::{Cas, ErrorKind as Stored, Fields, Kv, SecretPath, VersionMetadata};

use crate::access::check_write;
use crate::error::{Error, ErrorKind, convert};
use crate::key_manager::KeyManager;
use crate::stored::{self, StoredState, is_denied};

/// Options of [`KeyManager::write`] and [`KeyManager::write_field`].
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The description to store beside the value. Default: that of the settings. It replaces a
    /// stored description only if it is given here.
    pub description: Option<String>,
    /// The version to replace; 0 means that no version may exist. Default: any version.
    pub cas: Option<u64>,
}

/// The version that a write created, and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The path of the request, below `/v1/`.
    pub path: ApiPath,
    /// The number of the new version.
    pub version: u64,
}

/// A write of one secret: the path, the engine with the deadline of the operation, and its name in
/// errors.
pub(super) struct Write<'a> {
    pub(super) kv: Kv,
    pub(super) path: SecretPath,
    operation: String,
    /// The field that stores the value.
    pub(super) field: &'a str,
    /// The description of the settings.
    default_description: Option<&'a str>,
    options: &'a WriteOptions,
}

impl KeyManager {
    /// Writes a new version of a global secret, which has no other fields than the value and the
    /// description. [`write_field`](Self::write_field) keeps the others.
    ///
    /// Without [`WriteOptions::cas`] this is one request, which replaces any version. If the mount
    /// requires check-and-set, the current version is then read, and the write is sent once more.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it.
    /// - [`ErrorKind::Conflict`] if another version is stored, or if the outcome is unknown. Read
    ///   the secret before writing again.
    /// - [`ErrorKind::Usage`] for an invalid name or a value that is too large.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was written; retry later.
    pub async fn write(
        &self,
        name: &str,
        value: SecretString,
        options: &WriteOptions,
    ) -> Result<Written, Error> {
        let write = self.begin_write(name, options)?;
        let _guard = self.inner().invalidate_on_drop(&write.kv, &write.path);
        let fields = write.fields(Fields::new(), value);
        write.written(write.replace(&fields).await)
    }

    /// Writes a new version of a global secret, in which the value is replaced and all other fields
    /// are those of the current version. A secret that does not exist, or whose current version is
    /// deleted or destroyed, has no other fields.
    ///
    /// The current version is read first, whatever the access mode, and the new one replaces only
    /// that version, so that a concurrent write is never lost.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it, or if a policy forbids the
    ///   read. [`write`](Self::write) needs no read.
    /// - [`ErrorKind::Conflict`] if another version is stored, if another writer was faster, or if
    ///   the outcome is unknown. Nothing was written in the first two cases.
    /// - [`ErrorKind::Usage`] for an invalid name or a value that is too large.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if nothing was written; retry later.
    pub async fn write_field(
        &self,
        name: &str,
        value: SecretString,
        options: &WriteOptions,
    ) -> Result<Written, Error> {
        let write = self.begin_write(name, options)?;
        let _guard = self.inner().invalidate_on_drop(&write.kv, &write.path);
        let (version, others) = write.current().await?;
        write.replace_value(version, others, value).await
    }

    pub(super) fn begin_write<'a>(
        &'a self,
        name: &str,
        options: &'a WriteOptions,
    ) -> Result<Write<'a>, Error> {
        let inner = self.inner();
        let (path, operation) = (inner.path(name)?, format!("write {name}"));
        check_write(&inner.settings, || operation.clone())?;
        Ok(Write {
            kv: inner.kv_with_deadline(),
            path,
            operation,
            field: &inner.settings.location.field,
            default_description: inner.settings.description.as_deref(),
            options,
        })
    }
}

impl Write<'_> {
    /// Returns `others` with the value and the description.
    fn fields(&self, others: Fields, value: SecretString) -> Fields {
        let stored = others.iter().any(|(name, _)| name == Location::DESCRIPTION);
        let default = self.default_description.filter(|_| !stored);
        let fields = others.with(self.field, value);
        match self.options.description.as_deref().or(default) {
            Some(text) => fields.with(Location::DESCRIPTION, text),
            None => fields,
        }
    }

    /// Writes the fields in one request. If the mount requires check-and-set and no version is
    /// given, reads the current version and writes once more.
    async fn replace(&self, fields: &Fields) -> Result<VersionMetadata, vault_kv::Error> {
        let (kv, path) = (&self.kv, &self.path);
        if let Some(version) = self.options.cas {
            return kv.write(path, fields, Cas::Version(version)).await;
        }
        match kv.write(path, fields, Cas::Any).await {
            Err(error) if error.kind() == Stored::CasRequired => {
                let (version, _) = version_and_fields(stored::state(kv, path).await?);
                kv.write(path, fields, Cas::Version(version)).await
            }
            outcome => outcome,
        }
    }

    /// Writes the value over the current version, whose other fields it keeps.
    pub(super) async fn replace_value(
        &self,
        version: u64,
        others: Fields,
        value: SecretString,
    ) -> Result<Written, Error> {
        let fields = self.fields(others, value);
        let written = self.kv.write(&self.path, &fields, Cas::Version(version)).await;
        let overtaken = matches!(&written, Err(error) if error.kind() == Stored::CasMismatch);
        let written = self.written(written);
        if overtaken && self.options.cas.is_none() {
            return written.map_err(|error| error.with_hint(OVERTAKEN_HINT));
        }
        written
    }

    /// Reads the current version and its fields.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if it is not the version that the options name.
    pub(super) async fn current(&self) -> Result<(u64, Fields), Error> {
        // A secret without any version has no fields, and the server verifies the version.
        if self.options.cas == Some(0) {
            return Ok((0, Fields::new()));
        }
        let state = stored::state(&self.kv, &self.path).await.map_err(|error| {
            let denied = is_denied(&error);
            let failed = convert::kv(format!("{}: read it first", self.operation), error);
            if denied { failed.with_hint(READ_HINT) } else { failed }
        })?;
        let (version, fields) = version_and_fields(state);
        match self.options.cas {
            Some(expected) if expected != version => Err(self.mismatch(expected, version)),
            _ => Ok((version, fields)),
        }
    }

    fn mismatch(&self, expected: u64, version: u64) -> Error {
        let (operation, url) = (&self.operation, self.kv.mount().data(&self.path));
        let what = format!(
            "{operation}: {url}: version mismatch: the current version is {version}, not {expected}"
        );
        Error::new(ErrorKind::Conflict, what)
            .with_hint("read the current version, then decide whether to write again")
    }

    fn written(&self, outcome: Result<VersionMetadata, vault_kv::Error>) -> Result<Written, Error> {
        let metadata = outcome.map_err(|error| convert::kv(self.operation.as_str(), error))?;
        Ok(Written { path: self.kv.mount().data(&self.path), version: metadata.version })
    }
}

const OVERTAKEN_HINT: &str = "another writer was faster, and nothing was written: write again";

const READ_HINT: &str = "give the token a policy that allows this path, so that the other fields can \
                         be kept, or replace the whole secret with --replace";

/// Returns the version that a check-and-set write must name, 0 if none was ever written, and the
/// fields of that version.
fn version_and_fields(state: StoredState) -> (u64, Fields) {
    match state {
        StoredState::Never => (0, Fields::new()),
        StoredState::Gone(version) => (version, Fields::new()),
        StoredState::Live(secret) => (secret.metadata.version, secret.fields),
    }
}
