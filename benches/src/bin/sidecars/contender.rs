//! The kinds of tools.

use anyhow::Result;

use crate::command::PerRead;
use crate::figures::{Figures, Plan};
use crate::litellm::LiteLlm;
use crate::served::Served;

/// A tool that reads secrets.
pub(crate) enum Contender {
    /// A server.
    Served(Served),
    /// A program that reads one secret and ends.
    PerRead(PerRead),
    /// LiteLLM's secret manager in its own process.
    LiteLlm(LiteLlm),
}

impl Contender {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Served(served) => served.label,
            Self::PerRead(program) => program.label,
            Self::LiteLlm(litellm) => litellm.label,
        }
    }

    /// Starts the tool, measures it and ends it.
    pub(crate) async fn measured(&self, plan: &Plan) -> Result<Figures> {
        match self {
            Self::Served(served) => served.measured(plan).await,
            Self::PerRead(program) => program.measured(plan),
            Self::LiteLlm(litellm) => litellm.measured(plan),
        }
    }
}
