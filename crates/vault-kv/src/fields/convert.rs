//! Conversions into values.

use secrecy::SecretString;
use secrecy::zeroize::{Zeroize, Zeroizing};

use super::value::Value;

impl From<SecretString> for Value {
    fn from(text: SecretString) -> Self {
        Self::text(text)
    }
}

impl From<&SecretString> for Value {
    fn from(text: &SecretString) -> Self {
        Self::text(text.clone())
    }
}

/// Copies the text. The caller's text is not zeroized.
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text.into())
    }
}

/// Copies the text and zeroizes the original.
impl From<String> for Value {
    fn from(mut text: String) -> Self {
        let value = Self::from(text.as_str());
        text.zeroize();
        value
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::from_json(if value { "true" } else { "false" }.into())
    }
}

/// `None` is `null`.
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::null, Into::into)
    }
}

macro_rules! from_integer {
    ($($type:ty)*) => {
        $(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    let digits = Zeroizing::new(value.to_string());
                    Self::from_json((&**digits).into())
                }
            }
        )*
    };
}

from_integer! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }
