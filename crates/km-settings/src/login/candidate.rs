//! A method that may become the login: what of it is there, and what is missing.

use super::Method;
use crate::reader::Reader;

/// The names of the methods, as `KM_AUTH_METHOD` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    AppRole,
    Cert,
    Token,
    Jwt,
    Kubernetes,
    Userpass,
}

impl Name {
    pub(super) const WORDS: [(&str, Self); 6] = [
        ("approle", Self::AppRole),
        ("cert", Self::Cert),
        ("token", Self::Token),
        ("jwt", Self::Jwt),
        ("kubernetes", Self::Kubernetes),
        ("userpass", Self::Userpass),
    ];

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::AppRole => "approle",
            Self::Cert => "cert",
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::Kubernetes => "kubernetes",
            Self::Userpass => "userpass",
        }
    }

    /// Whether it takes part when no method is named: LiteLLM's three do.
    pub(super) fn by_priority(self) -> bool {
        matches!(self, Self::AppRole | Self::Cert | Self::Token)
    }
}

/// What of a method was found. The strings are names of settings, never values.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) present: Vec<&'static str>,
    pub(super) missing: Vec<&'static str>,
    /// Parts that are missing, and that the method can do without when it is named.
    pub(super) optional: Vec<&'static str>,
}

impl Parts {
    /// Reads a part, and notes under `name` whether it is there. One that is refused is there: its
    /// problem is noted already, and nobody has to be told to set it.
    pub(super) fn need<T>(
        &mut self,
        name: &'static str,
        reader: &mut Reader<'_>,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let (part, there) = read_part(reader, read);
        if there { &mut self.present } else { &mut self.missing }.push(name);
        part
    }

    /// Like [`need`](Self::need), for a part that the method can do without when it is named: then
    /// it is not left out by mistake.
    pub(super) fn need_unless_named<T>(
        &mut self,
        name: &'static str,
        reader: &mut Reader<'_>,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let (part, there) = read_part(reader, read);
        if there { &mut self.present } else { &mut self.optional }.push(name);
        part
    }

    /// Makes an optional part a needed one.
    pub(super) fn require(&mut self, name: &'static str) {
        self.optional.retain(|optional| *optional != name);
        self.missing.push(name);
    }
}

/// Reads a part, and returns whether it was set, refused or not.
fn read_part<T>(
    reader: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> (Option<T>, bool) {
    let before = reader.notes.count();
    let part = read(reader);
    let there = part.is_some() || reader.notes.count() > before;
    (part, there)
}

/// A method, and how complete it is.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: Name,
    pub(super) parts: Parts,
    /// The method, when nothing is missing and nothing is refused. Optional parts may be missing.
    pub(super) method: Option<Method>,
}

impl Candidate {
    /// Whether everything is there, refused or not.
    pub(super) fn is_whole(&self) -> bool {
        self.parts.missing.is_empty() && self.parts.optional.is_empty()
    }

    /// Whether everything is there that the method needs when it is named.
    pub(super) fn suffices_when_named(&self) -> bool {
        self.parts.missing.is_empty()
    }

    /// Whether something is there, and something is missing.
    pub(super) fn is_half(&self) -> bool {
        !self.parts.present.is_empty() && !self.is_whole()
    }

    /// What is there, for a message.
    pub(super) fn present(&self) -> String {
        self.parts.present.join(" and ")
    }

    /// What is missing, for a message.
    pub(super) fn missing(&self) -> String {
        [&*self.parts.missing, &*self.parts.optional].concat().join(" and ")
    }

    /// What is missing when the method is named, for a message.
    pub(super) fn missing_when_named(&self) -> String {
        self.parts.missing.join(" and ")
    }
}
