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
    /// The target is omitted with a warning, because the environment is never a fallback for this
    /// name.
    SkipReserved,
    /// The target is omitted, because the name was only found in a listing.
    Omit,
}

impl Binding {
    /// Returns the binding of a target that is called like the secret.
    pub(crate) fn of_name(name: &str, allow_missing: bool) -> Self {
        let on_missing = match allow_missing {
            _ if is_reserved(name) => OnMissing::SkipReserved,
            true => OnMissing::Warn,
            false => OnMissing::Fail,
        };
        Self { target: name.to_owned(), name: name.to_owned(), field: None, on_missing }
    }
}
