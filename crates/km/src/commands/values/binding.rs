//! Which value a command reads, and what receives it.

use km_settings::is_reserved;

/// A value to read, and the variable or the file that receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The variable or the file. No other binding of the command has the same.
    pub(crate) target: String,
    /// The name of the secret, without a leading `os.environ/`.
    pub(crate) name: String,
    /// The field of the secret. `None` is that of the settings, for which the environment is a
    /// fallback.
    pub(crate) field: Option<String>,
    /// What a missing value means.
    pub(crate) on_missing: OnMissing,
}

/// What a value means that is found in neither Vault nor the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnMissing {
    /// The command fails.
    Fail,
    /// The target is omitted, with a warning.
    Warn,
    /// The target is omitted with a warning, because it is a setting or a credential, which the
    /// environment never provides as a secret.
    SkipReserved,
    /// The target is omitted, because the secret was deleted after it was listed.
    Omit,
}

impl Binding {
    /// Creates a binding of a value that must exist unless `allow_missing`.
    pub(crate) fn new(target: &str, name: &str, field: Option<&str>, allow_missing: bool) -> Self {
        let on_missing = if target == name && is_reserved(name) {
            OnMissing::SkipReserved
        } else if allow_missing {
            OnMissing::Warn
        } else {
            OnMissing::Fail
        };
        let (target, name) = (target.to_owned(), name.to_owned());
        Self { target, name, field: field.map(str::to_owned), on_missing }
    }

    /// Like [`new`](Self::new), for a target that is called like the secret.
    pub(crate) fn of_name(name: &str, allow_missing: bool) -> Self {
        Self::new(name, name, None, allow_missing)
    }

    /// Creates a binding of a value that a listing contains.
    pub(crate) fn of_listed(target: &str, name: &str) -> Self {
        Self { on_missing: OnMissing::Omit, ..Self::new(target, name, None, false) }
    }

    /// Returns whether both have the value of the same field of the same secret.
    pub(crate) fn has_value_of(&self, other: &Self) -> bool {
        self.name == other.name && self.field == other.field
    }

    /// Returns the secret as on the command line: `NAME` or `NAME#FIELD`.
    pub(crate) fn secret(&self) -> String {
        match &self.field {
            Some(field) => format!("{}#{field}", self.name),
            None => self.name.clone(),
        }
    }
}
