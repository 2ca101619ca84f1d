//! Credentials in environment variables.

use std::env::var_os;
use std::ffi::OsString;

use secrecy::SecretString;
use vault_http::{Error, ErrorKind};

/// Reads variables: those of the process, or those of a test.
pub(crate) struct Variables(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<OsString>;

impl Variables {
    /// Returns the variables of the process.
    #[expect(clippy::disallowed_methods, reason = "`from_env` functions are for this")]
    pub(crate) fn of_the_process() -> Self {
        Self(Box::new(|name| var_os(name)))
    }

    /// Returns the variable, or `None` if it is not set or empty.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if it is not UTF-8. Another one in its place could be that of
    /// another identity.
    pub(crate) fn get(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| failed(name, "the variable is not UTF-8"))?;
        Ok(Some(value.into()))
    }

    /// Returns the variable.
    ///
    /// # Errors
    /// As [`get`](Self::get); also if the variable is not set or empty.
    #[cfg(feature = "aws")]
    pub(crate) fn require(&self, name: &str) -> Result<SecretString, Error> {
        self.get(name)?.ok_or_else(|| failed(name, "the variable is not set"))
    }
}

fn failed(name: &str, detail: &'static str) -> Error {
    Error::new(ErrorKind::LoginRefused, format!("read {name}")).with_detail(detail)
}

#[cfg(test)]
impl Variables {
    /// Returns these variables.
    pub(crate) fn of_a_test(variables: &'static [(&str, &str)]) -> Self {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Self(Box::new(move |name| find(name).map(|(_, value)| value.into())))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn variable_that_is_not_utf_8_is_an_error_and_not_an_unset_one() {
        let variables = Variables(Box::new(|_| Some(OsString::from_vec(vec![0xff]))));
        let error = variables.get("VAULT_TOKEN").unwrap_err();
        let expected = "read VAULT_TOKEN: login failed: the variable is not UTF-8";
        assert_eq!(error.to_string(), expected);
    }
}
