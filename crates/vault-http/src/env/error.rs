//! The error of settings from the environment.

use std::fmt;

/// All problems with the variables, at least one. No value of a variable is in it, except the paths
/// of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvError {
    problems: Vec<EnvProblem>,
}

impl EnvError {
    pub(super) fn new(problems: Vec<EnvProblem>) -> Self {
        Self { problems }
    }

    /// Returns the problems.
    pub fn problems(&self) -> &[EnvProblem] {
        &self.problems
    }
}

impl From<EnvProblem> for EnvError {
    fn from(problem: EnvProblem) -> Self {
        Self::new(vec![problem])
    }
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for EnvError {}

/// One problem with a variable, such as `VAULT_ADDR: must have a valid host and port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvProblem {
    variable: String,
    reason: String,
}

impl EnvProblem {
    pub(super) fn new(variable: &str, reason: impl Into<String>) -> Self {
        Self { variable: variable.to_owned(), reason: reason.into() }
    }

    /// Returns the name of the variable.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Returns what is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for EnvProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.reason)
    }
}
