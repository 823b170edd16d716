use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::error::TemplateError;
use crate::filters;

/// What rendering may cost. The engine charges for each step, and 1 for every 64 bytes that it makes, also of what it
/// makes on the way: no text that it holds is longer than 64 MiB, and no JSON that `tojson` writes than 4 MiB.
const FUEL: u64 = 1 << 20;

/// What looking for names that do not exist may cost.
const TRIAL_FUEL: u64 = 1 << 14;

/// A text with `{{ expressions }}`, checked.
///
/// A field that is not there is an error that names it, unless the template says what to do: `{{ note | default("") }}`.
/// Nothing is escaped; `{{ value | tojson }}` makes a value safe within JSON.
///
/// ```
/// use ratchet_template::Template;
/// let template = Template::parse("filesystem.path", "{{ task | upper }}/{{ tick | date('%Y-%m-%d') }}.json")?;
/// let told = serde_json::json!({"task": "report", "tick": "2026-11-24T06:00:00Z"});
/// assert_eq!(template.render(&told)?, "REPORT/2026-11-24.json");
///
/// let error = template.render(&serde_json::json!({"task": "report"})).unwrap_err();
/// assert_eq!(error.to_string(), "template filesystem.path, line 1, column 30: undefined value: `tick` is undefined");
/// # Ok::<(), ratchet_template::TemplateError>(())
/// ```
#[derive(Clone)]
pub struct Template {
    name: String,
    engine: Environment<'static>,
}

impl Template {
    /// The longest text of a template, in bytes.
    pub const MAX_LENGTH: usize = 64 << 10;

    /// Reads a template, which errors call `name`.
    ///
    /// # Errors
    /// [`TemplateError`] when the text is too long or no template, and when it names a filter, a test or a function
    /// that does not exist, as far as that can be seen without what it will be rendered over.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(TemplateError::new(
                name,
                format!(
                    "it has {} bytes: allowed are {} at the most",
                    text.len(),
                    Self::MAX_LENGTH
                ),
            ));
        }
        let syntax = SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .build()
            .map_err(|error| TemplateError::of(name, text, &error))?;
        let mut engine = Environment::new();
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_syntax(syntax);
        // Errors tell their place only so.
        engine.set_debug(true);
        engine.remove_global("debug");
        engine.add_filter("date", filters::date);
        engine.add_filter("tojson", filters::tojson);
        engine
            .add_template_owned(name.to_owned(), text.to_owned())
            .map_err(|error| TemplateError::of(name, text, &error))?;
        Self::try_names(&mut engine, name, text)?;
        engine.set_fuel(Some(FUEL));
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        Ok(Self {
            name: name.to_owned(),
            engine,
        })
    }

    /// The engine sees that a name does not exist only when it gets there. So the template is rendered over nothing,
    /// where every field may be missing, and of what goes wrong only the names count.
    fn try_names(engine: &mut Environment<'_>, name: &str, text: &str) -> Result<(), TemplateError> {
        engine.set_fuel(Some(TRIAL_FUEL));
        engine.set_undefined_behavior(UndefinedBehavior::Chainable);
        let rendered = engine
            .get_template(name)
            .and_then(|template| template.render(Value::UNDEFINED));
        match rendered {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
                ) =>
            {
                Err(TemplateError::of(name, text, &error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The same template, with each value written as `write` has it, and not as it is. A list or an object is an error
    /// then: it is no value that a place with rules of its own could hold.
    ///
    /// ```
    /// use ratchet_template::Template;
    /// let path = Template::parse("path", "reports/{{ name }}.txt")?.writing(|value| value.replace('/', "_"));
    /// assert_eq!(path.render(&serde_json::json!({"name": "../x"}))?, "reports/.._x.txt");
    /// # Ok::<(), ratchet_template::TemplateError>(())
    /// ```
    #[must_use]
    pub fn writing(mut self, write: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.engine
            .set_formatter(move |out, _, value| match value.kind() {
                ValueKind::String | ValueKind::Number | ValueKind::Bool | ValueKind::None => {
                    out.write_str(&write(&value.to_string())).map_err(Error::from)
                }
                kind => Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("this is a {kind}: a text, a number or a truth value is allowed here"),
                )),
            });
        self
    }

    /// The text over these fields.
    ///
    /// # Errors
    /// [`TemplateError`] when the template wants what is not there or cannot be done, or too much of it.
    pub fn render(&self, fields: &impl Serialize) -> Result<String, TemplateError> {
        let text = |error: &minijinja::Error| {
            let template = self.engine.get_template(&self.name);
            let text = template.as_ref().map_or("", |template| template.source());
            TemplateError::of(&self.name, text, error)
        };
        self.engine
            .get_template(&self.name)
            .and_then(|template| template.render(Serde(fields)))
            .map_err(|error| text(&error))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::*;

    fn rendered(text: &str, fields: &Value) -> Result<String, String> {
        let template = Template::parse("t", text).map_err(|error| error.to_string())?;
        template.render(fields).map_err(|error| error.to_string())
    }

    #[test]
    fn a_text_is_rendered_as_it_stands_and_nothing_is_escaped() {
        let fields = json!({"a": "<b>&\"", "list": [1, 2.5, null], "tick": "2026-11-24T06:07:08.5+01:00"});
        for (text, expected) in [
            ("", ""),
            ("line\n", "line\n"),
            ("{{ a }}\n", "<b>&\"\n"),
            ("{{ a | tojson }}", r#""<b>&\"""#),
            ("{{ list | tojson }}", "[1,2.5,null]"),
            ("{{ list[:2] | tojson(indent=1) }}", "[\n 1,\n 2.5\n]"),
            ("{{ list | join('-') }}", "1-2.5-None"),
            ("{{ list[1] }}{{ list | length }}", "2.53"),
            ("{{ nothing | default('x') }}", "x"),
            ("{{ a | upper }}", "<B>&\""),
            ("{% for n in list %}{{ loop.index }}{% endfor %}", "123"),
            ("{{ tick | date('%Y-%m-%d %H:%M') }}", "2026-11-24 05:07"),
            ("{% if a is defined and b is not defined %}y{% endif %}", "y"),
        ] {
            assert_eq!(rendered(text, &fields).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_template_the_place_and_the_value() {
        let fields = json!({"a": {"b": 1}, "tick": null, "text": "x"});
        for (text, expected) in [
            (
                "{{ a.c }}",
                "template t, line 1, column 4: undefined value: `a.c` is undefined",
            ),
            (
                "ü\nü{{ a.b.c.d }}",
                "template t, line 2, column 8: undefined value: `a.b.c` is undefined",
            ),
            (
                "{{ missing }}",
                "template t, line 1, column 4: undefined value: `missing` is undefined",
            ),
            (
                "{{ a",
                "template t, line 1, column 4: syntax error: unexpected end of input, expected end of variable block",
            ),
            (
                "\n{% nonsense %}",
                "template t, line 2, column 4: syntax error: unknown statement nonsense",
            ),
            (
                "{{ a | uper }}",
                "template t, line 1, column 8: unknown filter: filter uper is unknown",
            ),
            (
                "{{ text | date('%Y') }}",
                "template t, line 1, column 11: invalid operation: \"x\" is not an instant of RFC 3339: premature end of input",
            ),
            (
                "{{ '2026-11-24T06:00:00Z' | date('%Q%') }}",
                "template t, line 1, column 29: invalid operation: \"%Q%\" is not a pattern of strftime",
            ),
            (
                "{% include 'x' %}",
                "template t, line 1, column 4: syntax error: unknown statement include",
            ),
        ] {
            assert_eq!(rendered(text, &fields).unwrap_err(), expected, "{text}");
        }
        let long = "x".repeat(Template::MAX_LENGTH + 1);
        assert_eq!(
            rendered(&long, &fields).unwrap_err(),
            "template t: it has 65537 bytes: allowed are 65536 at the most"
        );
    }

    #[test]
    fn a_value_is_written_as_the_place_has_it_and_only_if_it_is_one() {
        let rendered = |text: &str| {
            let template = Template::parse("t", text)
                .unwrap()
                .writing(|value| value.replace('/', "_"));
            template
                .render(&json!({"a": "../b", "list": ["/"]}))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            rendered("/{{ a }}/{{ 1 }}{{ true }}{{ none }}").as_deref(),
            Ok("/.._b/1TrueNone")
        );
        assert_eq!(
            rendered("{% set x %}{{ a }}/c{% endset %}{{ x }}").as_deref(),
            Ok(".._b_c")
        );
        assert_eq!(rendered("{{ list[0] ~ a }}").as_deref(), Ok("_.._b"));
        let error = rendered("x{{ list }}").unwrap_err();
        assert!(
            error.starts_with("template t, line 1, column 5: invalid operation: this is a sequence"),
            "{error}"
        );
        assert!(
            rendered("{{ missing }}")
                .unwrap_err()
                .contains("`missing` is undefined")
        );
    }

    #[test]
    fn no_template_takes_much_time_or_memory() {
        let doubling = "{% set x = 'xxxxxxxx' %}".to_owned() + &"{% set x = x ~ x %}".repeat(40) + "{{ x }}";
        let replacing = "{{ 'a'".to_owned() + &" | replace('a', 'aaaaaaaaaa')".repeat(12) + " }}";
        let captured = "{% set x %}xxxxxxxx{% endset %}".to_owned()
            + &"{% set x %}{{ x }}{{ x }}{% endset %}".repeat(40);
        let nested = "{% for a in range(1000) %}".repeat(4) + "{{ a }}" + &"{% endfor %}".repeat(4);
        for text in [
            doubling.as_str(),
            &replacing,
            &captured,
            &nested,
            "{{ 'x' * 100000000 }}",
            "{{ ((range(100000) | list) * 100000) | join }}",
            "{{ '%1000000000s' | format('x') }}",
            "{{ big | tojson }}{{ big | tojson }}",
            "{{ ((range(100000) | list) * 100000) | tojson }}",
            "{{ ((range(100000) | list) * 100000) | tojson(indent=100000) }}",
        ] {
            let began = Instant::now();
            let big = "x".repeat(3 << 20);
            let error = rendered(text, &json!({"big": big})).unwrap_err();
            assert!(
                error.contains("rendering it takes too much time or memory") || error.contains("too large"),
                "{error}"
            );
            assert!(began.elapsed() < Duration::from_secs(30), "{error}");
        }
    }

    #[test]
    fn a_template_nested_without_end_is_an_error() {
        let text = format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000));
        assert!(Template::parse("t", &text).is_err());
    }
}
