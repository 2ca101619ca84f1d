//! A token, as it is kept and as it is sent.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A Vault token: masked in `Debug`, marked sensitive as a header, wiped when the last clone goes.
#[derive(Clone)]
pub struct Token(HeaderValue);

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
        Ok(Self(header))
    }

    /// The header's value, marked sensitive.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }

    /// The token itself, for a request that has it in its body.
    pub fn expose(&self) -> &str {
        // Only ASCII got in.
        self.0.to_str().unwrap_or_default()
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
