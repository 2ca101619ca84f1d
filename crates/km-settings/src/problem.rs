//! What is wrong with the settings, where it stands and how to mend it; and what is only odd.

use std::fmt;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingSource {
    /// An environment variable.
    Variable(String),
    /// The environment as a whole: something is missing that several variables could give.
    Environment,
    /// A key of the YAML file.
    Yaml {
        /// The file's name, as the caller gave it.
        file: String,
        /// The keys from the top down, with `.` between; empty for the file as a whole.
        path: String,
        /// The line, counted from 1.
        line: u64,
    },
    /// A file that a setting names, or several that have to go together.
    File(String),
    /// A key of a team's settings.
    Team {
        /// The keys from the top down, with `.` between; empty for the settings as a whole.
        path: String,
    },
}

impl SettingSource {
    /// The same place of a file, on another line.
    pub(crate) fn at(mut self, at: u64) -> Self {
        if let Self::Yaml { line, .. } = &mut self {
            *line = at;
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

/// One thing that is wrong. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Problem {
    /// Where it stands.
    pub source: SettingSource,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// How to mend it, as a lower-case fragment.
    pub hint: String,
}

/// One thing that works, and may not be what was meant. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Warning {
    /// Where it stands.
    pub source: SettingSource,
    /// What is odd, as a lower-case fragment.
    pub message: String,
    /// How to end the warning, as a lower-case fragment.
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

/// All that is wrong, at least one thing. `Display` gives one line to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Err` with all of them if there is one, `Ok(value)` otherwise.
    pub(crate) fn unless_empty<T>(problems: Vec<Problem>, value: T) -> Result<T, Self> {
        if problems.is_empty() { Ok(value) } else { Err(Self(problems)) }
    }

    /// The problems, in the order in which the settings are read.
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
