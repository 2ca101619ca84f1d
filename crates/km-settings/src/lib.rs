#![doc = include_str!("../README.md")]

// The result: typed settings, or every problem with them.
mod effective;
mod environment;
mod login;
mod problem;
mod settings;
mod team;
mod values;

// The input: the environment, the YAML files, and what Vault accepts.
mod source;
mod validator;

// The table that declares every setting, and the pages generated from it.
pub mod reference;
mod table;

// From the input to the result.
mod diagnostics;
mod duration;
mod reader;
mod section;
mod text;

pub use duration::parse as parse_duration;
pub use effective::{EffectiveSetting, EffectiveSource, EffectiveValue};
pub use environment::is_reserved;
pub use login::{Login, Method};
pub use problem::{Problem, Problems, SettingSource, Warning};
pub use section::process::is_debuggable;
pub use settings::Settings;
pub use source::{Env, IncludeError, Includes, ProcessEnv, Sources, Yaml};
pub use table::{DefaultValue, SETTINGS, Section, Sensitivity, Setting, ValueType};
pub use team::{LocationPattern, OverlayError, TeamSettings};
pub use validator::{FileProblem, Validator};
pub use values::access::{AccessMode, VirtualKeys};
pub use values::credential::Credential;
pub use values::fallback::{EnvironmentScope, Fallback, VaultOutcome};
pub use values::location::Location;
pub use values::server::Server;
