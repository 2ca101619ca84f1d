//! Listing of the names in a folder, page by page where the server supports pages.
//!
//! OpenBao returns at most `limit` names, those that follow `after` in their order. Vault, and the
//! version 1 engine of both, ignore the parameters and return all names in one response, which is
//! therefore larger than that to any other request.

use std::fmt;

use serde::Deserialize;
use vault_http::{ApiPath, Error as HttpError, PathError, Request, Response};

use crate::error::{Error, ErrorKind};
use crate::kv::Kv;
use crate::path::SecretPath;

/// The number of names that are requested at a time. A page of the longest names is about 3 MiB.
const PAGE_NAMES: usize = 5_000;

/// The maximum size of all names in a folder, and of the response to a list request, in bytes.
pub const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// An entry of a folder: a secret or another folder. Both may have the same name.
///
/// ```
/// # async fn walk(kv: &vault_kv::Kv) -> Result<(), Box<dyn std::error::Error>> {
/// let mut folders = vec![None];
/// while let Some(folder) = folders.pop() {
///     for entry in kv.list(folder.as_ref()).await? {
///         let path = entry.path(folder.as_ref())?;
///         if entry.is_folder() {
///             folders.push(Some(path));
///         } else {
///             println!("{path}");
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListEntry {
    name: String,
    is_folder: bool,
}

impl ListEntry {
    /// Creates an entry from a listed name, which ends in `/` if it is that of a folder.
    pub fn new(listed: impl Into<String>) -> Self {
        let mut name = listed.into();
        let is_folder = name.ends_with('/');
        if is_folder {
            name.pop();
        }
        Self { name, is_folder }
    }

    /// Returns the name, without a trailing slash. It may be one that [`SecretPath`] rejects,
    /// because other clients can store secrets under such names.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the entry is a folder.
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Returns the path of the entry, which was listed in `folder`.
    ///
    /// # Errors
    /// [`PathError`] if the name is not a valid path.
    pub fn path(&self, folder: Option<&SecretPath>) -> Result<SecretPath, PathError> {
        match folder {
            Some(folder) => folder.join(&self.name),
            None => SecretPath::new(&self.name),
        }
    }
}

/// Displays the name as the server does: that of a folder ends in `/`.
impl fmt::Display for ListEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        f.write_str(if self.is_folder { "/" } else { "" })
    }
}

impl Kv {
    /// Lists the folder at `path`, or the top folder of the mount. A folder that does not exist is
    /// empty. Deleted secrets are listed until their metadata is deleted.
    ///
    /// A folder of any size is listed, up to [`MAX_LIST_BYTES`]. OpenBao is asked for a few
    /// thousand names at a time, so that the list of a folder that changes meanwhile may be that of
    /// different times. The deadline applies to all requests together; set a later one for a folder
    /// of very many names by [`with_deadline`](Self::with_deadline).
    ///
    /// # Errors
    /// [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 2, or
    /// [`ErrorKind::Exchange`] if the request fails.
    pub async fn list(&self, path: Option<&SecretPath>) -> Result<Vec<ListEntry>, Error> {
        self.list_folder(self.mount.folder(path)).await
    }

    pub(crate) async fn list_folder(&self, folder: ApiPath) -> Result<Vec<ListEntry>, Error> {
        let kv = self.with_deadline(self.deadline());
        let mut listed = kv.page(&folder, None).await?;
        let mut is_full = listed.len() == PAGE_NAMES;
        let mut bytes = size(&listed);
        while is_full && let Some(last) = listed.last() {
            let page = kv.page(&folder, Some(last)).await?;
            if page.first().is_some_and(|first| first <= last) {
                // The server ignores the parameters: this is the whole folder again.
                break;
            }
            bytes += size(&page);
            if bytes > MAX_LIST_BYTES {
                let description = format!("GET {folder}: the names exceed 64 MiB");
                return Err(Error::response(ErrorKind::TooLarge, description));
            }
            is_full = page.len() == PAGE_NAMES;
            listed.extend(page);
        }
        Ok(listed.into_iter().map(ListEntry::new).collect())
    }

    /// Requests the names that follow `after`. A server without pages returns all names.
    async fn page(&self, folder: &ApiPath, after: Option<&str>) -> Result<Vec<String>, Error> {
        // A server takes long to collect very many names.
        let request = Request::list(folder.clone()).first_byte_limit(None);
        let request = request.max_body_bytes(MAX_LIST_BYTES);
        let request = request.query("limit", &PAGE_NAMES.to_string());
        let request = match after {
            Some(after) => request.query("after", after),
            None => request,
        };
        let deadline = self.deadline();
        match self.send(request, deadline).await {
            Ok(response) => match names(&response).map_err(Error::read)? {
                Some(names) => Ok(names),
                None => self.check_miss(deadline).await.map(|()| Vec::new()),
            },
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                self.check_miss(deadline).await.map(|()| Vec::new())
            }
            Err(error) => Err(self.explain_rejection(error, deadline).await),
        }
    }
}

/// Returns the listed names, or `None` if the folder does not exist. A server that ignores the
/// parameters reports that by a 404 or, together with a warning of the parameters, by 200.
fn names(response: &Response) -> Result<Option<Vec<String>>, HttpError> {
    #[derive(Deserialize)]
    struct Names {
        keys: Option<Vec<String>>,
    }
    response.expect_status(&[200])?;
    Ok(response.data::<Names>()?.keys)
}

fn size(names: &[String]) -> usize {
    names.iter().map(String::len).sum()
}
