//! The options of the commands that resolve the names of the configuration.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::variable::{VariableArg, variable};

#[derive(Debug, Clone, Args)]
pub(crate) struct ResolveArgs {
    /// Resolve NAME instead of every os.environ/NAME reference in the file; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Set VAR to the value of NAME, or to another field of it, instead of resolving the references
    /// in the file; can be repeated, and combined with --only
    #[arg(long, value_name = "VAR=NAME[#FIELD]", value_parser = variable)]
    pub(crate) env: Vec<VariableArg>,
    /// Resolve every live secret under PREFIX instead of the references in the file, each into the
    /// variable of its last segment; can be repeated, and combined with --only and --env
    #[arg(long, value_name = "PREFIX", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) all_under: Vec<String>,
    /// Resolve the references in the file and NAME; can be repeated, and combined with --env and
    /// --all-under
    #[arg(long, value_name = "NAME", conflicts_with = "only")]
    pub(crate) also: Vec<String>,
    /// Continue without a name that is found in neither Vault nor the environment
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Allow a value from Vault in the variable NAME although a loader, shell or interpreter acts on
    /// it (LD_*, PATH, BASH_* and the like); can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) danger_env: Vec<String>,
}

impl ResolveArgs {
    /// Returns the options with `--env` alone, if it is given, and those without it.
    pub(crate) fn split(&self) -> (Option<Self>, Self) {
        let (only, also, all_under) = (Vec::new(), Vec::new(), Vec::new());
        let variables = Self { only, all_under, also, ..self.clone() };
        let others = Self { env: Vec::new(), ..self.clone() };
        ((!self.env.is_empty()).then_some(variables), others)
    }
}
