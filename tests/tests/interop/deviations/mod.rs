//! Deliberate differences: the behaviour of LiteLLM, observed by running it, and that of `km`.
//! `docs/litellm.md` has the reasons and names the tests.

mod errors;
mod keys;
mod paths;
mod provider;
mod teams;
