//! Restrictions on team settings.

use super::section::Section::Teams;
use super::setting::Setting;
use super::value_type::ValueType::List;

pub(crate) const ALLOWED_LOCATIONS: Setting = Setting::new(
    Teams,
    "KM_ALLOWED_TEAM_LOCATIONS",
    List,
    "patterns `namespace/mount[:prefix]` of the locations that team settings may name; an empty \
     list means none. `/kv` is a mount in the root namespace, `*` matches any characters within a \
     segment, and a prefix also allows every path below it. In the global mount, and in a mount \
     for which a pattern with a prefix exists, only patterns with a prefix apply",
)
.yaml("km.allowed_team_locations")
.derived("all locations");
