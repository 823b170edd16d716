use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde_json::Value;

use super::FormatError;

const FORMAT: &str = "XML";

type Out = Writer<Vec<u8>>;

/// A document `<result>…</result>`. A key of an object is an element, a list is its `<item>`s, and null is an empty
/// element that says so. A key that XML cannot name an element by stands in the attribute `name` of an `<entry>`.
pub(super) fn write(value: &Value) -> Result<String, FormatError> {
    let wrong = |error: &dyn std::error::Error| FormatError::new(FORMAT, error);
    let mut out = Writer::new(Vec::new());
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
        .map_err(|error| wrong(&error))?;
    element(&mut out, BytesStart::new("result"), value).map_err(|error| wrong(&error))?;
    let mut text = String::from_utf8(out.into_inner()).map_err(|error| wrong(&error))?;
    text.push('\n');
    Ok(text)
}

fn element(out: &mut Out, mut start: BytesStart<'_>, value: &Value) -> std::io::Result<()> {
    let end = start.to_end().into_owned();
    match value {
        Value::Null => {
            start.push_attribute(("nil", "true"));
            out.write_event(Event::Empty(start))
        }
        Value::Bool(_) | Value::Number(_) => text(out, start, end, &value.to_string()),
        Value::String(string) => text(out, start, end, &allowed(string)),
        Value::Array(items) => {
            out.write_event(Event::Start(start))?;
            for item in items {
                element(out, BytesStart::new("item"), item)?;
            }
            out.write_event(Event::End(end))
        }
        Value::Object(fields) => {
            out.write_event(Event::Start(start))?;
            for (key, field) in fields {
                element(out, of_key(key), field)?;
            }
            out.write_event(Event::End(end))
        }
    }
}

fn text(out: &mut Out, start: BytesStart<'_>, end: BytesEnd<'_>, text: &str) -> std::io::Result<()> {
    out.write_event(Event::Start(start))?;
    out.write_event(Event::Text(BytesText::new(text)))?;
    out.write_event(Event::End(end))
}

fn of_key(key: &str) -> BytesStart<'_> {
    if is_name(key) {
        return BytesStart::new(key);
    }
    let mut entry = BytesStart::new("entry");
    entry.push_attribute(("name", &*allowed(key)));
    entry
}

/// Whether an element may be called so. XML allows more letters; these every reader takes.
fn is_name(key: &str) -> bool {
    let mut characters = key.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    // Names that begin so are reserved.
    let is_reserved = key
        .get(..3)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("xml"));
    begins
        && !is_reserved
        && characters.all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
}

/// XML has no way to write these characters, not even escaped: the replacement character stands for them. A carriage
/// return it could write, but a reader takes it for a line feed.
fn allowed(text: &str) -> Cow<'_, str> {
    let is_allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(is_allowed) {
        return Cow::Borrowed(text);
    }
    let character = |character| {
        if is_allowed(character) {
            character
        } else {
            '\u{fffd}'
        }
    };
    text.chars().map(character).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use serde_json::json;

    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

    #[test]
    fn every_kind_of_value_has_its_form() {
        let value = json!({"a": null, "b": [1, "x"], "c": {"d": true}, "e": "<&>", "f": []});
        assert_eq!(
            write(&value).unwrap(),
            format!(
                "{HEAD}<result><a nil=\"true\"/><b><item>1</item><item>x</item></b><c><d>true</d></c>\
                 <e>&lt;&amp;&gt;</e><f></f></result>\n"
            )
        );
        assert_eq!(write(&json!(7)).unwrap(), format!("{HEAD}<result>7</result>\n"));
    }

    #[test]
    fn whatever_the_keys_and_texts_it_is_well_formed() {
        let texts = [
            "",
            " ",
            "1a",
            "a b",
            "a>b",
            "xmlns",
            "XML",
            "<x/>",
            "a\"b",
            "a'b",
            "ü",
            "a:b",
            "-a",
            "]]>",
            "&amp;",
            "\u{0}\u{1}\u{b}\u{1f}",
            "\u{fffe}\u{ffff}",
            "🚲",
            "--",
            "<!--",
            "a\nb",
        ];
        for text in texts {
            let value = json!({text: text, "list": [text, {text: [text]}]});
            let xml = write(&value).unwrap();
            let mut reader = Reader::from_str(&xml);
            loop {
                match reader
                    .read_event()
                    .unwrap_or_else(|error| panic!("{error}: {xml}"))
                {
                    Event::Eof => break,
                    Event::Start(start) | Event::Empty(start) => {
                        for attribute in start.attributes() {
                            attribute.unwrap_or_else(|error| panic!("{error}: {xml}"));
                        }
                    }
                    _ => {}
                }
            }
            assert!(!xml.contains(['\u{0}', '\u{1}', '\u{b}', '\u{ffff}']), "{xml}");
            assert_eq!(xml.matches("<entry name=").count(), 2, "{xml}");
        }
        assert!(
            write(&json!({"fine-name_1.x": 1}))
                .unwrap()
                .contains("<fine-name_1.x>1<")
        );
    }
}
