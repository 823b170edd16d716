use ratchet_template::{Template, TemplateError};
use serde_json::{Map, Value};

/// What a request has for a body.
#[derive(Debug)]
pub(super) enum BodyTemplate {
    /// A text.
    Text(Box<Template>),
    /// JSON, whose texts are templates.
    Json(JsonTemplate),
}

/// A JSON value whose texts are templates. The names of fields are not.
#[derive(Debug)]
pub(super) enum JsonTemplate {
    Text(Box<Template>),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
    Other(Value),
}

impl BodyTemplate {
    pub(super) fn parse(written: &Value) -> Result<Self, TemplateError> {
        match written {
            Value::String(text) => Ok(Self::Text(Box::new(Template::parse("body", text)?))),
            other => JsonTemplate::parse("body", other).map(Self::Json),
        }
    }

    pub(super) fn render(&self, fields: &Value) -> Result<Vec<u8>, TemplateError> {
        Ok(match self {
            Self::Text(text) => text.render(fields)?.into_bytes(),
            Self::Json(json) => json.render(fields)?.to_string().into_bytes(),
        })
    }

    /// The `Content-Type` of a request that does not say one.
    pub(super) const fn content_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text/plain; charset=utf-8",
            Self::Json(_) => "application/json",
        }
    }
}

impl JsonTemplate {
    /// `place` is what errors call it.
    fn parse(place: &str, written: &Value) -> Result<Self, TemplateError> {
        Ok(match written {
            Value::String(text) => Self::Text(Box::new(Template::parse(place, text)?)),
            Value::Array(list) => Self::List(
                (0..)
                    .zip(list)
                    .map(|(at, value)| Self::parse(&format!("{place}[{at}]"), value))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::parse(&format!("{place}.{name}"), value)?)))
                    .collect::<Result<_, _>>()?,
            ),
            other => Self::Other(other.clone()),
        })
    }

    fn render(&self, fields: &Value) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Text(text) => Value::String(text.render(fields)?),
            Self::List(list) => list
                .iter()
                .map(|value| value.render(fields))
                .collect::<Result<Value, _>>()?,
            Self::Object(object) => object
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.render(fields)?)))
                .collect::<Result<Map<_, _>, TemplateError>>()?
                .into(),
            Self::Other(value) => value.clone(),
        })
    }
}
