//! A token, as it is kept and as it is sent.

pub(crate) mod session;
pub(crate) mod source;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A Vault token: masked in `Debug`, marked sensitive as a header, wiped when the last clone goes.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    /// The requests that were sent with it, if they are counted.
    sent: Option<Arc<AtomicU32>>,
}

impl Token {
    /// Takes a token that came from a server or an operator. White space around it is dropped.
    ///
    /// # Errors
    /// [`TokenError`] when it is empty, or has a character that no token has.
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
        Ok(Self { header, sent: None })
    }

    /// Counts the requests that are sent with this token and its clones from now on, retries included:
    /// for a token with a number of uses.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.sent = Some(Arc::default());
        self
    }

    /// The number of requests that were sent with it since [`counted`](Self::counted); 0 if they are
    /// not counted.
    pub fn sent(&self) -> u32 {
        self.sent.as_ref().map_or(0, |sent| sent.load(Relaxed))
    }

    /// The value of the header `X-Vault-Token` for one request, marked sensitive.
    pub fn header(&self) -> HeaderValue {
        if let Some(sent) = &self.sent {
            sent.fetch_add(1, Relaxed);
        }
        self.header.clone()
    }

    /// The token itself, for a request that has it in its body.
    pub fn expose(&self) -> &str {
        // Only ASCII got in.
        self.header.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([REDACTED])")
    }
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is nothing in it.
    #[error("the token is empty")]
    Empty,
    /// A line break, a space or a character outside ASCII.
    #[error("the token has a character that no token has, such as a line break")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_and_checked() {
        let token = Token::new(&" hvs.planted\n".into()).unwrap();
        assert_eq!(token.expose(), "hvs.planted");
        assert!(token.header().is_sensitive());
        assert!(!format!("{token:?} {:?}", token.header()).contains("planted"));
        assert_eq!(Token::new(&" \n".into()).unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new(&"a\nb".into()).unwrap_err(), TokenError::Character);
        assert_eq!(Token::new(&"clé".into()).unwrap_err(), TokenError::Character);
    }
}
