use rquickjs::prelude::Func;
use rquickjs::{Ctx, Function, Object, TypedArray};

use super::globals::{define, evaluate};
use super::program::Program;

const URL: &str = include_str!("url.js");
const ENCODING: &str = include_str!("encoding.js");

/// The small parts of the web that tasks use.
pub(super) fn install(ctx: &Ctx<'_>, program: &Program<'_>) -> rquickjs::Result<()> {
    if program.names("URL") {
        evaluate::<Function<'_>>(ctx, "url", URL)?.call::<_, ()>((Func::from(parse_url),))?;
    }
    if ["TextEncoder", "TextDecoder", "atob", "btoa"]
        .iter()
        .any(|word| program.names(word))
    {
        let native = Object::new(ctx.clone())?;
        native.set("encode", Func::from(encode))?;
        native.set("decode", Func::from(decode))?;
        evaluate::<Function<'_>>(ctx, "encoding", ENCODING)?.call::<_, ()>((native,))?;
    }
    if program.names("crypto") {
        let crypto = Object::new(ctx.clone())?;
        crypto.set("randomUUID", Func::from(|| uuid::Uuid::new_v4().to_string()))?;
        define(ctx, "crypto", crypto)?;
    }
    Ok(())
}

fn encode<'js>(ctx: Ctx<'js>, text: String) -> rquickjs::Result<TypedArray<'js, u8>> {
    TypedArray::new_copy(ctx, text.as_bytes())
}

fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The parts of a URL in the order in which `url.js` takes them; none for what is no URL.
fn parse_url(text: String, base: Option<String>) -> Option<Vec<String>> {
    let url = match base {
        None => url::Url::parse(&text),
        Some(base) => url::Url::parse(&base).and_then(|base| base.join(&text)),
    }
    .ok()?;
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let with = |mark: &str, part: Option<&str>| match part {
        Some(part) if !part.is_empty() => format!("{mark}{part}"),
        _ => String::new(),
    };
    Some(vec![
        url.to_string(),
        format!("{}:", url.scheme()),
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
        url.host_str().unwrap_or_default().to_owned(),
        port,
        url.path().to_owned(),
        with("?", url.query()),
        with("#", url.fragment()),
        url.origin().ascii_serialization(),
    ])
}
