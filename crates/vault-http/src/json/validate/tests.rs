use proptest::prelude::*;

use super::{escaped, plain};

/// Documents with few names, so that some objects have duplicates.
fn document() -> impl Strategy<Value = String> {
    let scalar = r#"null|true|-?[1-9]{1,2}(\.5)?|"(a|errors|\{|\]|)""#;
    scalar.prop_recursive(6, 40, 6, |inner| {
        let member = ("a|b|c|errors|", inner.clone());
        let member = member.prop_map(|(name, value)| format!("\"{name}\" :{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..4)
                .prop_map(|items| format!("{{{}}}", items.join(", "))),
        ]
    })
}

proptest! {
    #[test]
    fn both_implementations_agree_on_documents_without_escapes(text in document()) {
        prop_assert_eq!(plain::validate(&text), escaped::validate(&text));
    }

    #[test]
    fn both_implementations_agree_on_damaged_documents(
        text in document(),
        at in any::<prop::sample::Index>(),
        damage in r#"|[{}\[\],:" 0-]"#,
    ) {
        let mut text = text;
        let at = at.index(text.len());
        text.replace_range(at..=at, &damage);
        prop_assert_eq!(plain::validate(&text), escaped::validate(&text));
    }
}
