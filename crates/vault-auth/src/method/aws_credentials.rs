//! The credentials of an AWS identity.

use secrecy::{ExposeSecret, SecretString};
use vault_http::{Error, ErrorKind};

use crate::credential::variable::Variables;

/// The credentials of an AWS identity. Only the ID of the access key is shown by `Debug`.
#[derive(Debug, Clone)]
pub struct AwsCredentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: SecretString,
    pub(super) session_token: Option<SecretString>,
}

impl AwsCredentials {
    /// Creates credentials without a session token.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: SecretString) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }

    /// Sets the session token of temporary credentials.
    #[must_use]
    pub fn session_token(mut self, token: SecretString) -> Self {
        self.session_token = Some(token);
        self
    }

    /// Reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if it is set, `AWS_SESSION_TOKEN`.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if one of the first two is not set, or one is not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(&Variables::of_the_process())
    }

    fn from_variables(variables: &Variables) -> Result<Self, Error> {
        let access_key_id = variables.require("AWS_ACCESS_KEY_ID")?.expose_secret().to_owned();
        let secret_access_key = variables.require("AWS_SECRET_ACCESS_KEY")?;
        let session_token = variables.get("AWS_SESSION_TOKEN")?;
        Ok(Self { access_key_id, secret_access_key, session_token })
    }

    /// Returns an error unless all parts are visible ASCII, which is not the case for a file that
    /// was read with its line ending.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let is_text = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let token = self.session_token.as_ref().map(ExposeSecret::expose_secret);
        let detail = if !is_text(&self.access_key_id) {
            "the access key ID is empty or not visible ASCII"
        } else if !is_text(self.secret_access_key.expose_secret()) {
            "the secret access key is empty or not visible ASCII"
        } else if token.is_some_and(|token| !is_text(token)) {
            "the session token is empty or not visible ASCII"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::LoginRefused, "sign the AWS request").with_detail(detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &'static [(&str, &str)]) -> Result<AwsCredentials, String> {
        let variables = Variables::of_a_test(variables);
        AwsCredentials::from_variables(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn credentials_are_read_from_the_variables_of_aws() {
        const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKID");
        const KEY: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "PLANTED-key");
        const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", "PLANTED-token");
        let credentials = read(&[ID, KEY, TOKEN]).unwrap();
        assert_eq!(credentials.secret_access_key.expose_secret(), "PLANTED-key");
        assert_eq!(credentials.session_token.as_ref().unwrap().expose_secret(), "PLANTED-token");
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKID") && !shown.contains("PLANTED"), "{shown}");
        assert!(read(&[ID, KEY, ("AWS_SESSION_TOKEN", "")]).unwrap().session_token.is_none());
        let missing = "read AWS_ACCESS_KEY_ID: login failed: the variable is not set";
        assert_eq!(read(&[KEY, TOKEN]).unwrap_err(), missing);
        let missing = "read AWS_SECRET_ACCESS_KEY: login failed: the variable is not set";
        assert_eq!(read(&[ID]).unwrap_err(), missing);
    }

    #[test]
    fn credentials_with_a_line_ending_are_an_error_before_they_are_used() {
        let check = |id: &str, key: &str, token: &str, expected: Option<&str>| {
            let credentials = AwsCredentials::new(id, key.into()).session_token(token.into());
            assert_eq!(credentials.validate().err().map(|error| error.detail()), expected);
        };
        check("id", "key/+=", "token==", None);
        check("id\n", "key", "token", Some("the access key ID is empty or not visible ASCII"));
        check("id", "", "token", Some("the secret access key is empty or not visible ASCII"));
        check("id", "key", "a b", Some("the session token is empty or not visible ASCII"));
    }
}
