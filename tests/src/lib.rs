//! The harness that gives tests a real Vault server.
