//! How to log in: the namespace, and one method with all its parts.

mod candidate;
mod choose;
mod method;
mod methods;

pub use method::Method;

use crate::reader::Reader;
use crate::values::location::namespace;

/// How to log in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// The namespace of the login; `None` is the root. Secrets may live in another one.
    pub namespace: Option<String>,
    /// The method.
    pub method: Method,
}

impl Login {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let namespace = namespace(reader, "HCP_VAULT_LOGIN_NAMESPACE");
        Self { namespace, method: choose::choose(reader) }
    }

    /// The namespace alone, with a method that cannot log in.
    pub(crate) fn none(reader: &mut Reader<'_>) -> Self {
        let namespace = namespace(reader, "HCP_VAULT_LOGIN_NAMESPACE");
        Self { namespace, method: choose::none() }
    }
}
