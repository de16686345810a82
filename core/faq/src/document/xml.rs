//! Helpers for reading the XML parts of packages.

use quick_xml::events::{BytesRef, BytesStart};

/// Value of an attribute, by its name without a prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    attributes.with_checks(false);
    for attribute in attributes.flatten() {
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.value;
            return Some(match quick_xml::escape::unescape(&value) {
                Ok(value) => value.into_owned(),
                Err(_) => value.into_owned(),
            });
        }
    }
    None
}

/// Text of an entity or character reference; empty for unknown ones.
pub(super) fn resolve(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    let text = quick_xml::escape::resolve_predefined_entity(entity);
    text.unwrap_or_default().to_owned()
}
