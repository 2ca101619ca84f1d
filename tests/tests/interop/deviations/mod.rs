//! Where we differ on purpose: what LiteLLM does, seen by running it, and what we do instead.
//! `docs/litellm.md` has the reasons, and names the tests.

mod errors;
mod keys;
mod paths;
mod provider;
mod teams;
