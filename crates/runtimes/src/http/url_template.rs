use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ratchet_template::{Template, TemplateError};
use serde_json::Value;
use url::Url;

/// What stands for itself everywhere in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The template of a URL. Each value in it is encoded, so that it is one part of the URL and ends at none of the signs
/// that divide a URL; only a value with which the template begins is written as it is: it is the URL's beginning.
#[derive(Debug)]
pub(super) struct UrlTemplate {
    beginning: Option<Template>,
    rest: Template,
}

impl UrlTemplate {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let (beginning, rest) = match text.split_once("}}") {
            Some((beginning, rest)) if text.starts_with("{{") => (Some(format!("{beginning}}}}}")), rest),
            _ => (None, text),
        };
        Ok(Self {
            beginning: beginning.map(|text| Template::parse("url", &text)).transpose()?,
            rest: encoding("url", rest)?,
        })
    }

    /// The URL over these fields, with this query beside its own, or what is wrong with it. The rest of a URL than its
    /// host is not shown: it may be a secret.
    pub(super) fn render(&self, fields: &Value, query: &[(String, Template)]) -> Result<Url, String> {
        let rendered = |template: &Template| template.render(fields).map_err(|error| error.to_string());
        let mut text = self.beginning.as_ref().map_or(Ok(String::new()), rendered)?;
        text.push_str(&rendered(&self.rest)?);
        let mut url = parsed(&text)?;
        for (name, template) in query {
            url.query_pairs_mut().append_pair(name, &rendered(template)?);
        }
        Ok(url)
    }
}

/// A template whose values are each encoded for a URL.
fn encoding(name: &str, text: &str) -> Result<Template, TemplateError> {
    let template = Template::parse(name, text)?;
    Ok(template.writing(|value| utf8_percent_encode(value, RESERVED).to_string()))
}

/// A URL that can be asked for.
pub(super) fn parsed(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("url: {error}; an absolute one is allowed"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("url: http and https are allowed".to_owned());
    }
    // Encoding does not help against these: a URL's reader takes them as a way up even then.
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| {
        let segment = segment.replace("%2e", ".").replace("%2E", ".");
        segment == "." || segment == ".."
    };
    if path.split(['/', '\\']).any(is_dots) {
        return Err("url: its path has the segment . or .., which leads elsewhere".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(text: &str, input: &Value) -> Result<String, String> {
        let template = UrlTemplate::parse(text).map_err(|error| error.to_string())?;
        let url = template.render(&json!({ "input": input }), &[])?;
        Ok(url.to_string())
    }

    #[test]
    fn a_value_is_one_part_of_the_url_whatever_it_says() {
        let url = |value: &str| rendered("https://a.example/x/{{ input }}/y?q={{ input }}#z", &json!(value));
        assert_eq!(
            url("b-1.2_3~").unwrap(),
            "https://a.example/x/b-1.2_3~/y?q=b-1.2_3~#z"
        );
        assert_eq!(
            url("/../c?d=e&f#g@h:i ü").unwrap(),
            "https://a.example/x/%2F..%2Fc%3Fd%3De%26f%23g%40h%3Ai%20%C3%BC/y?\
             q=%2F..%2Fc%3Fd%3De%26f%23g%40h%3Ai%20%C3%BC#z"
        );
        for value in [".", ".."] {
            assert!(url(value).unwrap_err().contains("leads elsewhere"), "{value}");
        }
    }

    #[test]
    fn a_value_changes_the_host_by_no_sign() {
        let host = |value: &str| rendered("https://{{ input }}.example.org/", &json!(value));
        assert_eq!(host("eu").unwrap(), "https://eu.example.org/");
        for value in [
            "evil.example/",
            "me@evil.example:1",
            "evil.example#",
            "evil.example\\",
            "%2F",
            "a b",
        ] {
            let error = host(value).unwrap_err();
            assert!(error.starts_with("url: ") && !error.contains("evil"), "{error}");
        }
    }

    #[test]
    fn a_value_at_the_beginning_is_the_url_s_beginning() {
        let input = json!({"base": "http://a.example:8080/v1", "id": "x/y"});
        assert_eq!(
            rendered("{{ input.base }}/{{ input.id }}", &input).unwrap(),
            "http://a.example:8080/v1/x%2Fy"
        );
        for base in ["file:///etc", "/path", "", "javascript:1"] {
            assert!(
                rendered("{{ input }}", &json!(base))
                    .unwrap_err()
                    .starts_with("url: ")
            );
        }
    }

    #[test]
    fn the_query_is_added_and_encoded() {
        let template = UrlTemplate::parse("https://a.example/?a=1").unwrap();
        let query = vec![(
            "q r".to_owned(),
            Template::parse("query", "{{ input }}&").unwrap(),
        )];
        let url = template.render(&json!({"input": "x=y"}), &query).unwrap();
        assert_eq!(url.as_str(), "https://a.example/?a=1&q+r=x%3Dy%26");
    }
}
