#![doc = include_str!("../README.md")]

// What goes in.
mod env;
mod rules;
mod sources;

// What comes out.
mod access;
mod cache;
mod credential;
mod fallback;
mod location;
mod login;
mod pattern;
mod problem;
mod process;
mod server;
mod settings;
mod team;

// The table of settings, and the pages made from it.
pub mod reference;
mod table;

// How the one becomes the other.
mod duration;
mod found;
mod notes;
mod reader;
mod system;
mod team_locations;
mod text;
mod unused;
mod vault_variables;
mod yaml;

pub use access::{AccessMode, VirtualKeys};
pub use credential::Credential;
pub use env::{Env, ProcessEnv};
pub use fallback::{EnvironmentScope, Fallback, VaultOutcome, is_reserved};
pub use location::Location;
pub use login::{Login, Method};
pub use pattern::LocationPattern;
pub use problem::{Problem, Problems, SettingSource, Warning};
pub use process::is_debuggable;
pub use rules::{FileProblem, Validator};
pub use server::Server;
pub use settings::Settings;
pub use sources::{IncludeError, Includes, Sources, Yaml};
pub use table::{DefaultValue, SETTINGS, Section, Sensitivity, Setting};
pub use team::{OverlayError, TeamSettings};
