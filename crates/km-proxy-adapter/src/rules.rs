//! What Vault accepts as an address and as a path, for the settings.

use km_settings::Rules;
use vault_http::{Address, ApiPath, Plaintext};

/// The rules of `vault-http`, which the settings are checked against.
#[derive(Debug, Clone, Copy, Default)]
pub struct VaultRules;

impl Rules for VaultRules {
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String> {
        let checked = Address::parse(text, plaintext(danger_plaintext));
        checked.map(drop).map_err(|error| error.to_string())
    }

    fn path(&self, text: &str) -> Result<(), String> {
        ApiPath::parse(text).map(drop).map_err(|error| error.to_string())
    }
}

pub(crate) fn plaintext(danger: bool) -> Plaintext {
    if danger { Plaintext::DangerAnywhere } else { Plaintext::LoopbackOnly }
}
