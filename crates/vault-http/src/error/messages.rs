//! The texts that a server reports in the `errors` of a response, within bounds.

use std::fmt;

use zeroize::Zeroizing;

/// The maximum number of messages that are kept. Vault sends one, and rarely two.
pub(crate) const MAX_MESSAGES: usize = 8;
/// The maximum length of a message, in bytes. The longest ones of Vault have about 400.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1_024;

/// The `errors` of a response, masked in `Debug` and zeroized on drop, because a server may repeat
/// values of the request in them.
#[derive(Clone, Default)]
pub(crate) struct Messages(Zeroizing<Vec<String>>);

impl Messages {
    /// Keeps the first messages, each up to the maximum length.
    pub(crate) fn new(errors: Vec<String>) -> Self {
        let mut errors = Zeroizing::new(errors);
        for dropped in errors.iter_mut().skip(MAX_MESSAGES) {
            zeroize::Zeroize::zeroize(dropped);
        }
        errors.truncate(MAX_MESSAGES);
        for message in errors.iter_mut() {
            if message.len() > MAX_MESSAGE_BYTES {
                let boundary =
                    (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at));
                message.truncate(boundary.unwrap_or_default());
            }
        }
        Self(errors)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} messages]", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_in_number_and_length() {
        let long = "é".repeat(MAX_MESSAGE_BYTES);
        let messages = Messages::new(vec![long; MAX_MESSAGES + 1]);
        assert_eq!(messages.as_slice().len(), MAX_MESSAGES);
        assert!(messages.as_slice().iter().all(|text| text.len() == MAX_MESSAGE_BYTES));
        let odd = Messages::new(vec![format!("x{}", "é".repeat(MAX_MESSAGE_BYTES))]);
        assert_eq!(odd.as_slice()[0].len(), MAX_MESSAGE_BYTES - 1);
    }
}
