//! Tokens.

pub(crate) mod fixed;
pub(crate) mod session;
pub(crate) mod source;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A Vault token. It is masked in `Debug`, marked as sensitive in headers, and zeroized when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    /// The number of requests that were sent with the token, if they are counted.
    requests_sent: Option<Arc<AtomicU32>>,
}

impl Token {
    /// Validates a token from a server or an operator. White space at either end is ignored.
    ///
    /// # Errors
    /// [`TokenError`] if the token is empty or contains an invalid character.
    pub fn new(text: &SecretString) -> Result<Self, TokenError> {
        let text = text.expose_secret().trim();
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        let bytes = Bytes::from_owner(Zeroizing::new(text.as_bytes().to_vec()));
        let mut header =
            HeaderValue::from_maybe_shared(bytes).map_err(|_| TokenError::Character)?;
        header.set_sensitive(true);
        Ok(Self { header, requests_sent: None })
    }

    /// Starts counting the requests that are sent with this token and its clones, retries included.
    /// For tokens with a limited number of uses.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.requests_sent = Some(Arc::default());
        self
    }

    /// Returns the number of requests that were sent since [`counted`](Self::counted), or 0 if they
    /// are not counted.
    pub fn sent(&self) -> u32 {
        self.requests_sent.as_ref().map_or(0, |sent| sent.load(Relaxed))
    }

    /// Returns the value of the header `X-Vault-Token` for one request, which is then counted. It is
    /// marked as sensitive, so that `Debug` of a request does not show it.
    pub fn header(&self) -> HeaderValue {
        if let Some(sent) = &self.requests_sent {
            sent.fetch_add(1, Relaxed);
        }
        self.header.clone()
    }

    /// Returns the token itself, for requests that carry it in their body.
    pub fn expose(&self) -> &str {
        // `new` accepts only visible ASCII, so the conversion cannot fail.
        self.header.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([REDACTED])")
    }
}

/// The reasons why a text is not a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is empty.
    #[error("the token is empty")]
    Empty,
    /// The token contains white space, a control character or a non-ASCII character.
    #[error("the token contains white space, a control character or a non-ASCII character")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_trimmed_validated_and_masked() {
        let token = Token::new(&" hvs.planted\n".into()).unwrap();
        assert_eq!(token.expose(), "hvs.planted");
        assert!(token.header().is_sensitive());
        let request = http::Request::builder().header("x-vault-token", token.header()).body(());
        let shown = format!("{token:?} {:?} {:?}", token.header(), request.unwrap());
        assert!(shown.contains("x-vault-token") && !shown.contains("planted"), "{shown}");
        assert_eq!(Token::new(&" \n".into()).unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new(&"a\nb".into()).unwrap_err(), TokenError::Character);
        assert_eq!(Token::new(&"clé".into()).unwrap_err(), TokenError::Character);
    }
}
