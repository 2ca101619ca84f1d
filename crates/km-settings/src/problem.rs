//! Problems and warnings: what is wrong with a setting, its source, and how to fix it.

use std::fmt;

/// The source of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingSource {
    /// An environment variable.
    Variable(String),
    /// The environment as a whole, if any of several variables is missing.
    Environment,
    /// A key of the YAML file.
    Yaml {
        /// The name of the file, as the caller passed it.
        file: String,
        /// The path of the key, with `.` between its parts; empty for the file as a whole.
        path: String,
        /// The line, counted from 1.
        line: u64,
    },
    /// A file that a setting names, or several files that belong together.
    File(String),
    /// A key of a team's settings.
    Team {
        /// The path of the key, with `.` between its parts; empty for the settings as a whole.
        path: String,
    },
}

impl SettingSource {
    /// Returns this source on another line of the same file.
    pub(crate) fn with_line(mut self, number: u64) -> Self {
        if let Self::Yaml { line, .. } = &mut self {
            *line = number;
        }
        self
    }
}

impl fmt::Display for SettingSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) | Self::File(name) => formatter.write_str(name),
            Self::Environment => formatter.write_str("environment"),
            Self::Yaml { file, path, line } if path.is_empty() => {
                write!(formatter, "{file}:{line}")
            }
            Self::Yaml { file, path, line } => write!(formatter, "{file}:{line}: {path}"),
            Self::Team { path } if path.is_empty() => formatter.write_str("team settings"),
            Self::Team { path } => write!(formatter, "team settings: {path}"),
        }
    }
}

/// An error in the settings. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Problem {
    /// The source of the invalid value.
    pub source: SettingSource,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// How to fix it, as a lower-case imperative.
    pub hint: String,
}

/// A setting that is valid but probably a mistake. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Warning {
    /// The source of the value.
    pub source: SettingSource,
    /// What is suspicious, as a lower-case fragment.
    pub message: String,
    /// How to silence the warning, as a lower-case imperative.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} (hint: {})", self.source, self.message, self.hint)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} (hint: {})", self.source, self.message, self.hint)
    }
}

/// All problems with the settings, at least one. `Display` writes one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Returns `Ok(value)` if there are no problems, and all of them otherwise.
    pub(crate) fn unless_empty<T>(problems: Vec<Problem>, value: T) -> Result<T, Self> {
        if problems.is_empty() { Ok(value) } else { Err(Self(problems)) }
    }

    /// Iterates over the problems in the order in which the settings are read.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
