//! What a row of the table says.

/// One setting: what it is called, what it means, what it is when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// The key below `general_settings.key_management_settings`, where it has one.
    pub yaml: Option<&'static str>,
    /// What counts when it is not set.
    pub default: DefaultValue,
    /// One line: what it does.
    pub description: &'static str,
    /// The heading it stands under.
    pub section: Section,
    /// Whether a child process or a log may have it.
    pub sensitivity: Sensitivity,
}

/// What counts when a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This text: to write it is the same as to write nothing.
    Text(&'static str),
    /// Something that no text stands for.
    Derived(&'static str),
    /// Nothing.
    Unset,
}

/// A heading of the reference, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// The server and the way to it.
    Server,
    /// How to log in.
    Login,
    /// Where secrets live.
    Location,
    /// What is read, written and asked elsewhere.
    Access,
    /// How long a value lives in memory.
    Cache,
    /// What teams may say.
    Teams,
    /// The process of the program itself.
    Process,
}

/// Whether a value may be shown and handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// It may.
    Plain,
    /// It says where a credential is, or whose it is. A child process has no need of it.
    Credential,
    /// It is a secret itself.
    Secret,
}

impl Section {
    /// All of them, in the order of the reference.
    pub const ALL: [Self; 7] = [
        Self::Server,
        Self::Login,
        Self::Location,
        Self::Access,
        Self::Cache,
        Self::Teams,
        Self::Process,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Login => "Login",
            Self::Location => "Where secrets live",
            Self::Access => "What is read and written",
            Self::Cache => "How long values live",
            Self::Teams => "Teams",
            Self::Process => "The process",
        }
    }
}

impl Setting {
    pub(super) const fn new(section: Section, name: &'static str, meaning: &'static str) -> Self {
        let (preset, sensitivity) = (DefaultValue::Unset, Sensitivity::Plain);
        Self { name, yaml: None, default: preset, description: meaning, section, sensitivity }
    }

    pub(super) const fn yaml(self, path: &'static str) -> Self {
        Self { yaml: Some(path), ..self }
    }

    pub(super) const fn text(self, text: &'static str) -> Self {
        Self { default: DefaultValue::Text(text), ..self }
    }

    pub(super) const fn rule(self, rule: &'static str) -> Self {
        Self { default: DefaultValue::Derived(rule), ..self }
    }

    pub(super) const fn credential(self) -> Self {
        Self { sensitivity: Sensitivity::Credential, ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { sensitivity: Sensitivity::Secret, ..self }
    }
}
