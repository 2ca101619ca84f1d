//! Text with secrets that is built piece by piece.

use km_proxy_adapter::zeroizing::{self, ZeroizingBytes};

/// UTF-8 text that is zeroized on drop and whenever it grows.
#[derive(Default)]
pub(crate) struct SecretText(ZeroizingBytes);

impl SecretText {
    /// Appends a text.
    pub(crate) fn push(&mut self, text: &str) {
        // Without a limit, the text is always appended.
        let _ = zeroizing::append(&mut self.0, text.as_bytes(), usize::MAX);
    }

    /// Appends several texts.
    pub(crate) fn extend<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        for text in texts {
            self.push(text);
        }
    }

    /// Appends a text in which each occurrence of a character is replaced.
    pub(crate) fn push_replaced(&mut self, text: &str, replacements: &[(char, &str)]) {
        let mut rest = text;
        while let Some(at) = rest.find(|c| replacements.iter().any(|(from, _)| *from == c)) {
            let (plain, tail) = rest.split_at(at);
            self.push(plain);
            let mut tail = tail.chars();
            let replaced = tail.next();
            let to = replacements.iter().find(|(from, _)| Some(*from) == replaced);
            self.push(to.map_or("", |(_, to)| to));
            rest = tail.as_str();
        }
        self.push(rest);
    }

    /// Returns the text as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_not_replaced_again() {
        let mut text = SecretText::default();
        text.push_replaced("a%b\n%é\n", &[('%', "%25"), ('\n', "%0A")]);
        text.extend(["x", "", "y"]);
        assert_eq!(text.as_bytes(), "a%25b%0A%25é%0Axy".as_bytes());
    }
}
