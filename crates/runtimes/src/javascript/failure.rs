use std::time::Duration;

use ratchet_interfaces::{TaskError, TaskErrorKind};
use rquickjs::{Ctx, Exception, Object, Value};

use super::program::Program;

/// How long the words of a failure may be, in bytes.
const LONGEST: usize = 8 * 1024;

/// How many causes of an error are told.
const CAUSES: usize = 4;

/// What a thrown value says of the run that ended by it. `null` says nothing: the engine throws it too, when it has no
/// memory left for an error.
pub(super) fn of_value<'js>(
    ctx: &Ctx<'js>,
    value: Value<'js>,
    kind: TaskErrorKind,
    program: &Program<'_>,
) -> Option<TaskError> {
    if value.is_null() {
        return None;
    }
    if is_out_of_memory(&value) {
        return Some(out_of_memory());
    }
    let mut error = TaskError::of(kind, cut(program.relocate(&words(ctx, &value))));
    let Some(object) = value.as_object() else {
        return Some(error);
    };
    if let Some(kind) = stated_kind(object) {
        error = TaskError::of(kind, error.message);
    }
    if let Some(retryable) = object
        .get::<_, Value<'js>>("retryable")
        .ok()
        .and_then(|value| value.as_bool())
    {
        error.retryable = retryable;
    }
    let seconds = object
        .get::<_, Value<'js>>("retryAfter")
        .ok()
        .and_then(|value| value.as_number());
    error.retry_after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A getter may have thrown, which must not be taken for a later exception.
    if ctx.has_exception() {
        ctx.catch();
    }
    Some(error)
}

pub(super) fn out_of_memory() -> TaskError {
    TaskError::of(TaskErrorKind::Memory, "the task used more memory than it may")
}

fn is_out_of_memory(value: &Value<'_>) -> bool {
    let Some(error) = value.as_exception() else {
        return false;
    };
    let name = error.as_object().get::<_, String>("name");
    name.is_ok_and(|name| name == "InternalError") && error.message().as_deref() == Some("out of memory")
}

/// The kind that an error states, among those that a task can tell.
fn stated_kind(object: &Object<'_>) -> Option<TaskErrorKind> {
    let kind: TaskErrorKind = object.get::<_, String>("kind").ok()?.parse().ok()?;
    use TaskErrorKind as Kind;
    match kind {
        Kind::Task | Kind::Network | Kind::Response | Kind::Input | Kind::Output | Kind::Permission => {
            Some(kind)
        }
        Kind::Timeout | Kind::Memory | Kind::Definition | Kind::Panic => None,
    }
}

fn words<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    let mut text = words_of_one(ctx, value);
    let mut cause = cause_of(value);
    for _ in 0..CAUSES {
        let Some(value) = cause else { break };
        text = format!("{text}\ncaused by {}", words_of_one(ctx, &value));
        cause = cause_of(&value);
    }
    text
}

fn cause_of<'js>(value: &Value<'js>) -> Option<Value<'js>> {
    let cause: Value<'js> = value.as_exception()?.as_object().get("cause").ok()?;
    (!cause.is_undefined() && !cause.is_null()).then_some(cause)
}

/// An error as its name, message and stack; anything else as JSON.
fn words_of_one<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    if let Some(error) = value.as_exception() {
        return words_of_error(error);
    }
    if let Some(text) = value.as_string() {
        return text
            .to_string()
            .unwrap_or_else(|_| "a text that is no Unicode was thrown".to_owned());
    }
    let message = value
        .as_object()
        .and_then(|object| object.get::<_, String>("message").ok());
    if let Some(message) = message {
        return message;
    }
    let json = ctx.json_stringify(value.clone()).ok().flatten();
    let json = json.and_then(|json| json.to_string().ok());
    json.map_or_else(
        || format!("{} was thrown", value.type_name()),
        |json| format!("{json} was thrown"),
    )
}

fn words_of_error(error: &Exception<'_>) -> String {
    let name = error
        .as_object()
        .get::<_, String>("name")
        .unwrap_or_else(|_| "Error".to_owned());
    let message = error.message().unwrap_or_default();
    let mut text = if message.is_empty() {
        name
    } else {
        format!("{name}: {message}")
    };
    for line in error.stack().unwrap_or_default().lines() {
        // Frames of what is built in say nothing to the task's author.
        if line.contains("main.js") {
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str(" …");
    }
    text
}
