//! All settings together.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::login::Login;
use crate::problem::{Problems, SettingSource, Warning};
use crate::reader::Reader;
use crate::section::{cache, process, system, unused, vault_variables};
use crate::source::Sources;
use crate::team::pattern::LocationPattern;
use crate::team::permission as team_locations;
use crate::values::access::{self, AccessMode, VirtualKeys};
use crate::values::fallback::{self, EnvironmentScope, Fallback};
use crate::values::location::Location;
use crate::values::server::Server;

/// Typed, validated settings. There is no other way to them than
/// [`from_sources`](Self::from_sources).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The server and the way to it.
    pub server: Server,
    /// How to log in.
    pub login: Login,
    /// Where secrets live when no team says otherwise.
    pub location: Location,
    /// Whether Vault is read, written or both.
    pub access_mode: AccessMode,
    /// The only names that Vault is asked for; `None` is all.
    pub hosted_keys: Option<BTreeSet<String>>,
    /// Text that is written beside each stored value, in the field `description`.
    pub description: Option<String>,
    /// What happens to the keys that the gateway hands out.
    pub virtual_keys: VirtualKeys,
    /// When the process environment is asked; see
    /// [`environment_may_provide`](Self::environment_may_provide).
    pub fallback: Fallback,
    /// Whether the environment or the file sets the fallback, be it to its default.
    pub fallback_is_explicit: bool,
    /// Which names the process environment may answer.
    pub environment_scope: EnvironmentScope,
    /// How long a read value is served from memory; zero is no caching. At most ten years.
    pub refresh_interval: Duration,
    /// How long past that it may be served while the server can't be asked. At most ten years.
    pub max_stale: Duration,
    /// The places that team settings may name; `None` is all, an empty list none.
    pub allowed_team_locations: Option<Vec<LocationPattern>>,
    /// The NAME of each value `os.environ/NAME` in the file, in file order, each once.
    pub references: Vec<String>,
    /// What works, and may not be what was meant.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    ///
    /// Every problem of every source, to be shown to whoever wrote the settings. Nothing in them
    /// goes away by trying again.
    pub fn from_sources(sources: &Sources<'_>) -> Result<Self, Problems> {
        Self::read(sources, Purpose::Connect)
    }

    /// Like [`from_sources`](Self::from_sources), for a program that connects to nothing: no login
    /// has to be complete, and no file of a credential or certificate is checked.
    ///
    /// What is left in [`login`](Self::login) beside the namespace cannot log in.
    ///
    /// # Errors
    ///
    /// As [`from_sources`](Self::from_sources).
    pub fn without_login(sources: &Sources<'_>) -> Result<Self, Problems> {
        Self::read(sources, Purpose::Inspect)
    }

    fn read(sources: &Sources<'_>, purpose: Purpose) -> Result<Self, Problems> {
        let mut reader = Reader::new(sources);
        system::check(&mut reader);
        process::check(&mut reader);
        let (access_mode, virtual_keys) = access::read(&mut reader);
        let mut settings = Self {
            server: Server::read(&mut reader),
            login: match purpose {
                Purpose::Connect => Login::read(&mut reader),
                Purpose::Inspect => Login::none(&mut reader),
            },
            location: Location::read(&mut reader),
            access_mode,
            hosted_keys: access::hosted_keys(&mut reader),
            description: access::description(&mut reader),
            virtual_keys,
            fallback: Fallback::OnMissing,
            fallback_is_explicit: false,
            environment_scope: EnvironmentScope::AnyName,
            refresh_interval: cache::refresh_interval(&mut reader),
            max_stale: cache::max_stale(&mut reader),
            allowed_team_locations: team_locations::read(&mut reader),
            references: std::mem::take(&mut reader.document.references),
            warnings: Vec::new(),
        };
        (settings.fallback, settings.fallback_is_explicit) = fallback::read(&mut reader);
        let files = match purpose {
            Purpose::Connect => reader.rules.files(&settings.server, &settings.login),
            Purpose::Inspect => Vec::new(),
        };
        for problem in files {
            reader.notes.problem(SettingSource::File(problem.file), problem.message, problem.hint);
        }
        vault_variables::warn(&mut reader);
        unused::warn(&reader.document, &mut reader.notes);
        settings.warnings = reader.notes.finish()?;
        Ok(settings)
    }
}

/// What a program does with the settings.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    /// It connects to Vault and logs in.
    Connect,
    /// It only looks at them.
    Inspect,
}
