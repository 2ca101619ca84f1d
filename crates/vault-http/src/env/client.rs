//! The client of the environment.

use std::ffi::OsString;

use super::error::{EnvError, EnvProblem};
use super::parse::{duration, first, namespace, parsed, verified};
use super::variable::{find, of_process};
use crate::address::{Address, Plaintext};
use crate::client::Client;
use crate::client::builder::ClientBuilder;
use crate::error::build::{BuildError, BuildErrorKind};

const PROXY: [&str; 2] = ["PROXY_ADDR", "HTTP_PROXY"];
const TRUST: [&str; 3] = ["CACERT", "CACERT_BYTES", "CAPATH"];
const IDENTITY: [&str; 2] = ["CLIENT_CERT", "CLIENT_KEY"];
const FILES: [&str; 3] = ["CACERT", "CLIENT_CERT", "CLIENT_KEY"];

impl Client {
    /// Builds a client with the settings of the environment of the process, by the conventions of
    /// [`env`](crate::env).
    ///
    /// ```no_run
    /// use vault_http::{Client, FixedToken, Session};
    ///
    /// let session = Session::new(Client::from_env()?, FixedToken::from_env()?);
    /// # Ok::<(), vault_http::env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError`] lists all problems, each with its variable.
    pub fn from_env() -> Result<Self, EnvError> {
        Self::from_variables(of_process)
    }

    /// Like [`from_env`](Self::from_env), with the variables that `lookup` returns.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, EnvError> {
        let settings = Settings::read(&lookup);
        let mut problems = settings.problems;
        match settings.builder.build() {
            Ok(client) if problems.is_empty() => Ok(client),
            Ok(_) => Err(EnvError::new(problems)),
            Err(error) => {
                problems.extend(name_variables(&error, &lookup));
                Err(EnvError::new(problems))
            }
        }
    }
}

impl ClientBuilder {
    /// Returns a builder with the settings of the environment of the process, by the conventions of
    /// [`env`](crate::env), so that some of them can be replaced.
    ///
    /// # Errors
    /// [`EnvError`] lists all variables that cannot be parsed. [`build`](Self::build) checks what the
    /// others name.
    pub fn from_env() -> Result<Self, EnvError> {
        Self::from_variables(of_process)
    }

    /// Like [`from_env`](Self::from_env), with the variables that `lookup` returns.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, EnvError> {
        let Settings { builder, problems } = Settings::read(&lookup);
        if problems.is_empty() { Ok(builder) } else { Err(EnvError::new(problems)) }
    }
}

/// A builder with all settings that could be parsed, and the problems of the others.
struct Settings {
    builder: ClientBuilder,
    problems: Vec<EnvProblem>,
}

impl Settings {
    fn read(lookup: &impl Fn(&str) -> Option<OsString>) -> Self {
        let mut problems = Vec::new();
        let address = parsed(lookup, "ADDR", &mut problems, |text| {
            Address::parse(text, Plaintext::LoopbackOnly).map_err(|error| error.reason())
        });
        // Without an address, the rules for the others are those of the default.
        let address = address.unwrap_or_else(Address::default_of_programs);
        let mut builder = Client::builder(address);
        let namespace = parsed(lookup, "NAMESPACE", &mut problems, namespace);
        if let Some(namespace) = namespace.flatten() {
            builder = builder.namespace(namespace);
        }
        if let Some(timeout) = parsed(lookup, "CLIENT_TIMEOUT", &mut problems, duration) {
            builder = builder.deadline(timeout);
        }
        let text = |names: &[&str], problems: &mut Vec<_>| {
            let variable = first(lookup, names)?;
            variable.text().map(str::to_owned).map_err(|problem| problems.push(problem)).ok()
        };
        if let Some(proxy) = text(&PROXY, &mut problems) {
            builder = builder.proxy(proxy);
        }
        if let Some(name) = text(&["TLS_SERVER_NAME"], &mut problems) {
            builder = builder.server_name(name);
        }
        parsed(lookup, "SKIP_VERIFY", &mut problems, verified);
        let builder = identity(trust(builder, lookup), lookup, &mut problems);
        Self { builder, problems }
    }
}

fn trust(builder: ClientBuilder, lookup: &impl Fn(&str) -> Option<OsString>) -> ClientBuilder {
    if let Some(file) = find(lookup, "CACERT") {
        builder.ca_file(file.value)
    } else if let Some(pem) = find(lookup, "CACERT_BYTES") {
        builder.ca_pem(pem.value.into_encoded_bytes())
    } else if let Some(directory) = find(lookup, "CAPATH") {
        builder.ca_dir(directory.value)
    } else {
        builder
    }
}

fn identity(
    builder: ClientBuilder,
    lookup: &impl Fn(&str) -> Option<OsString>,
    problems: &mut Vec<EnvProblem>,
) -> ClientBuilder {
    match (find(lookup, "CLIENT_CERT"), find(lookup, "CLIENT_KEY")) {
        (Some(certificate), Some(key)) => builder.identity_files(certificate.value, key.value),
        (Some(alone), None) => {
            problems.push(alone.problem("is set without VAULT_CLIENT_KEY"));
            builder
        }
        (None, Some(alone)) => {
            problems.push(alone.problem("is set without VAULT_CLIENT_CERT"));
            builder
        }
        (None, None) => builder,
    }
}

/// Returns the problems with their variables.
fn name_variables(
    error: &BuildError,
    lookup: &impl Fn(&str) -> Option<OsString>,
) -> Vec<EnvProblem> {
    let problem = |names: &[&str], reason: String| match first(lookup, names) {
        Some(variable) => variable.problem(reason),
        None => EnvProblem::new(&format!("VAULT_{}", names.first().unwrap_or(&"ADDR")), reason),
    };
    let named = |kind: &BuildErrorKind| match kind {
        BuildErrorKind::Trust(why) => problem(&TRUST, why.to_string()),
        BuildErrorKind::Identity(why) => problem(&IDENTITY, why.to_string()),
        BuildErrorKind::File { path, .. } => {
            let names = FILES.iter().find(|name| {
                find(lookup, name).is_some_and(|variable| path.as_os_str() == variable.value)
            });
            problem(&[names.unwrap_or(&"CAPATH")], kind.to_string())
        }
        BuildErrorKind::ServerName(why) => problem(&["TLS_SERVER_NAME"], why.to_string()),
        BuildErrorKind::Proxy(why) => problem(&PROXY, why.reason()),
        BuildErrorKind::ProxyAndServerName => problem(&["TLS_SERVER_NAME"], kind.to_string()),
        BuildErrorKind::Deadline => problem(&["CLIENT_TIMEOUT"], kind.to_string()),
        BuildErrorKind::NoCryptoProvider => problem(&["ADDR"], kind.to_string()),
    };
    error.problems().iter().map(named).collect()
}
