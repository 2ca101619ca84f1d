//! The levels of the file above our settings: which keys are kept, and which only searched.

use serde::de::MapAccess;

use super::node::Node;
use super::part::{Pairs, Part};
use super::references::References;

/// The key under which the proxy keeps what concerns it as a whole.
pub(super) const GENERAL: &str = "general_settings";

/// The top level.
#[derive(Debug, Default)]
pub(super) struct Top {
    pub(super) general: Part<General>,
    pub(super) general_line: u64,
    /// Keys of ours that stand a level too high.
    pub(super) strays: Vec<(&'static str, u64)>,
    pub(super) references: Vec<String>,
}

impl Pairs for Top {
    fn pair<'de, A: MapAccess<'de>>(
        &mut self,
        key: Option<&str>,
        line: u64,
        value: &mut A,
    ) -> Result<(), A::Error> {
        if key == Some(GENERAL) {
            self.general = value.next_value()?;
            self.general_line = line;
            if let Part::Mapping(general) = &mut self.general {
                self.references.append(&mut general.references);
            }
            return Ok(());
        }
        let ours = ["key_management_system", "key_management_settings"];
        self.strays.extend(ours.into_iter().filter(|our| key == Some(*our)).map(|our| (our, line)));
        self.references.extend(value.next_value::<References>()?.0);
        Ok(())
    }
}

/// `general_settings`.
#[derive(Debug, Default)]
pub(super) struct General {
    pub(super) system: Option<Node>,
    pub(super) settings: Option<Node>,
    pub(super) references: Vec<String>,
}

impl Pairs for General {
    fn pair<'de, A: MapAccess<'de>>(
        &mut self,
        key: Option<&str>,
        _line: u64,
        value: &mut A,
    ) -> Result<(), A::Error> {
        let place = match key {
            Some("key_management_system") => &mut self.system,
            Some("key_management_settings") => &mut self.settings,
            _ => {
                self.references.extend(value.next_value::<References>()?.0);
                return Ok(());
            }
        };
        let node = value.next_value::<Node>()?;
        self.references.extend(References::within(&node).0);
        *place = Some(node);
        Ok(())
    }
}
