use ratchet_interfaces::{LogLevel, TaskMonitor};
use rquickjs::object::Property;
use rquickjs::prelude::{Coerced, Rest};
use rquickjs::{Ctx, FromJs as _, Function, Value};

use super::globals::evaluate;

const INSPECT: &str = include_str!("inspect.js");

/// How long a line of the log may be, in bytes.
const LONGEST: usize = 64 * 1024;

/// The methods of `console`, and the levels of their lines.
pub(super) const METHODS: [(&str, LogLevel); 6] = [
    ("debug", LogLevel::Debug),
    ("log", LogLevel::Info),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
    ("trace", LogLevel::Debug),
];

/// Writes the values as a line of the log, as Node does: texts as they are, the rest as it would be in a program.
pub(super) fn log<'js>(
    ctx: &Ctx<'js>,
    monitor: &dyn TaskMonitor,
    level: LogLevel,
    values: &Rest<Value<'js>>,
) -> rquickjs::Result<()> {
    let mut line = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        match value.as_string() {
            Some(text) => match text.to_string() {
                Ok(text) => line.push_str(&text),
                Err(_) => line.push_str("(a text that is no Unicode)"),
            },
            None => line.push_str(&inspected(ctx, value)?),
        }
        if line.len() > LONGEST {
            line.truncate(line.floor_char_boundary(LONGEST));
            line.push_str(" …");
            break;
        }
    }
    monitor.log(level, &line);
    Ok(())
}

fn inspected<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    if value.is_number() || value.is_bool() || value.is_null() || value.is_undefined() {
        let negative_zero = value
            .as_number()
            .is_some_and(|number| number == 0.0 && number.is_sign_negative());
        let text = Coerced::<String>::from_js(ctx, value.clone())?.0;
        return Ok(if negative_zero { "-0".to_owned() } else { text });
    }
    inspector(ctx)?.call((value.clone(),))
}

/// Puts a value into words. It is compiled when the first one needs it, and kept where the engine's collector sees it.
fn inspector<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Function<'js>> {
    const NAME: &str = "ratchet:inspect";
    let globals = ctx.globals();
    if let Some(inspect) = globals.get::<_, Option<Function<'js>>>(NAME)? {
        return Ok(inspect);
    }
    let inspect: Function<'js> = evaluate(ctx, "inspect", INSPECT)?;
    globals.prop(NAME, Property::from(inspect.clone()))?;
    Ok(inspect)
}
