//! All settings together.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::effective::EffectiveSetting;
use crate::login::{self, Login};
use crate::problem::{Problems, SettingSource, Warning};
use crate::reader::Reader;
use crate::section::{
    access, cache, location, process, server, system, teams, unused, vault_variables, virtual_keys,
};
use crate::source::Sources;
use crate::team::LocationPattern;
use crate::values::access::{AccessMode, VirtualKeys};
use crate::values::fallback::{EnvironmentScope, Fallback};
use crate::values::location::Location;
use crate::values::server::Server;

/// Typed, validated settings.
///
/// The only constructors are [`from_sources`](Self::from_sources) and
/// [`without_login`](Self::without_login).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The Vault server and the connection to it.
    pub server: Server,
    /// How to log in.
    pub login: Login,
    /// The location of provider secrets, and of virtual keys unless a team overrides it.
    pub location: Location,
    /// Which operations Vault is used for.
    pub access_mode: AccessMode,
    /// The names that are read from Vault; `None` for all names.
    pub hosted_keys: Option<BTreeSet<String>>,
    /// Text that is stored in the field `description` beside each value.
    pub description: Option<String>,
    /// Storage of the virtual keys that the gateway issues.
    pub virtual_keys: VirtualKeys,
    /// When the process environment may provide a name; see
    /// [`environment_may_provide`](Self::environment_may_provide).
    pub fallback: Fallback,
    /// Whether the fallback is set explicitly, even if to its default.
    pub fallback_is_explicit: bool,
    /// Which names the process environment may provide.
    pub environment_scope: EnvironmentScope,
    /// How long a cached value is served before it is read again, at most ten years. Zero disables
    /// caching.
    pub refresh_interval: Duration,
    /// The age by which a value in use is read again to notice a change, if that is before the end
    /// of the refresh interval; at most ten years. Zero means at the refresh interval alone.
    pub poll_interval: Duration,
    /// How long after the refresh interval a stale value is served while Vault is unavailable, at
    /// most ten years.
    pub max_stale: Duration,
    /// The locations that team settings may name; `None` for all, an empty list for none.
    pub allowed_team_locations: Option<Vec<LocationPattern>>,
    /// The names of all `os.environ/NAME` references in the file, in file order, without
    /// duplicates.
    pub references: Vec<String>,
    /// Every setting of the table with its effective value and source, in the order of the table.
    pub effective: Vec<EffectiveSetting>,
    /// Settings that are valid but probably mistakes.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Reads and validates all settings.
    ///
    /// # Errors
    ///
    /// Returns the problems of all sources. Report them to the author of the settings; retrying
    /// does not help.
    pub fn from_sources(sources: &Sources<'_>) -> Result<Self, Problems> {
        Self::read(sources, Purpose::Connect)
    }

    /// Like [`from_sources`](Self::from_sources), for a program that does not connect to Vault: the
    /// login may be incomplete, and the files of credentials and certificates are not validated.
    ///
    /// [`login`](Self::login) contains the namespace and a method that cannot log in.
    ///
    /// # Errors
    ///
    /// See [`from_sources`](Self::from_sources).
    pub fn without_login(sources: &Sources<'_>) -> Result<Self, Problems> {
        Self::read(sources, Purpose::Inspect)
    }

    fn read(sources: &Sources<'_>, purpose: Purpose) -> Result<Self, Problems> {
        let mut reader = Reader::new(sources);
        system::check(&mut reader);
        process::check(&mut reader);
        let (access_mode, store) = access::mode_and_store(&mut reader);
        let virtual_keys = virtual_keys::read(store, &mut reader);
        let mut settings = Self {
            server: server::read(&mut reader),
            login: match purpose {
                Purpose::Connect => login::read(&mut reader),
                Purpose::Inspect => login::without_method(&mut reader),
            },
            location: location::read(&mut reader),
            access_mode,
            hosted_keys: access::hosted_keys(&mut reader),
            description: access::description(&mut reader),
            virtual_keys,
            fallback: Fallback::Never,
            fallback_is_explicit: false,
            environment_scope: EnvironmentScope::AnyName,
            refresh_interval: cache::refresh_interval(&mut reader),
            poll_interval: cache::poll_interval(&mut reader),
            max_stale: cache::max_stale(&mut reader),
            allowed_team_locations: teams::allowed_locations(&mut reader),
            references: std::mem::take(&mut reader.document.references),
            effective: Vec::new(),
            warnings: Vec::new(),
        };
        (settings.fallback, settings.fallback_is_explicit) = access::fallback(&mut reader);
        if purpose == Purpose::Connect {
            settings.check_files(&mut reader);
        }
        vault_variables::warn(&mut reader);
        unused::warn(&reader.document, &mut reader.diagnostics);
        settings.effective = reader.record.finish();
        settings.warnings = reader.diagnostics.finish()?;
        Ok(settings)
    }

    fn check_files(&self, reader: &mut Reader<'_>) {
        for problem in reader.validator.files(&self.server, &self.login) {
            let source = SettingSource::File(problem.file);
            reader.diagnostics.problem(source, problem.message, problem.hint);
        }
    }
}

/// The purpose for which a program reads settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To connect to Vault and log in.
    Connect,
    /// To inspect the settings only.
    Inspect,
}
