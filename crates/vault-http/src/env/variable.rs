//! Variables with the prefixes of Vault and of OpenBao.

use std::ffi::OsString;
use std::fmt;

use super::error::EnvProblem;

/// A variable that is set and not empty.
pub struct Variable {
    /// The name, such as `VAULT_ADDR`.
    pub name: String,
    /// The value, which may be a secret.
    pub value: OsString,
}

/// Returns the variable `BAO_{name}` if it is set, or else `VAULT_{name}`. An empty variable is
/// `None`, and an empty `BAO_{name}` hides the other.
///
/// ```
/// use vault_http::env;
///
/// let variables = |name: &str| (name == "BAO_ADDR").then(|| "https://bao:8200".into());
/// assert_eq!(env::find(variables, "ADDR").unwrap().name, "BAO_ADDR");
/// assert!(env::find(variables, "NAMESPACE").is_none());
/// ```
pub fn find(lookup: impl Fn(&str) -> Option<OsString>, name: &str) -> Option<Variable> {
    let set = |name: String| lookup(&name).map(|value| Variable { name, value });
    let variable = set(format!("BAO_{name}")).or_else(|| set(format!("VAULT_{name}")));
    variable.filter(|variable| !variable.value.is_empty())
}

impl Variable {
    /// Returns the value as text.
    pub(super) fn text(&self) -> Result<&str, EnvProblem> {
        self.value.to_str().ok_or_else(|| self.problem("is not UTF-8"))
    }

    /// Returns a problem with this variable.
    pub(super) fn problem(&self, reason: impl Into<String>) -> EnvProblem {
        EnvProblem::new(&self.name, reason)
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Looks a variable up in the environment of the process.
#[expect(clippy::disallowed_methods, reason = "the caller asks for the conventions of `vault`")]
pub(super) fn of_process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_of_openbao_hides_the_one_of_vault() {
        let check = |bao: Option<&str>, vault: Option<&str>, expected: Option<&str>| {
            let lookup = |name: &str| match name {
                "BAO_X" => bao.map(OsString::from),
                "VAULT_X" => vault.map(OsString::from),
                _ => None,
            };
            let found = find(lookup, "X").map(|found| found.value.into_string().unwrap());
            assert_eq!(found.as_deref(), expected, "{bao:?} {vault:?}");
        };
        check(Some("b"), Some("v"), Some("b"));
        check(None, Some("v"), Some("v"));
        check(Some(""), Some("v"), None);
        check(None, Some(""), None);
        check(None, None, None);
    }
}
