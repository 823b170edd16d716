use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use ratchet_api::IssuedToken;
use ratchet_interfaces::{Clock, Scope, Token, truncate_to_micros};
use ratchet_scheduler::SystemClock;

use super::{Form, shown, written};
use crate::cli::{CliError, CommonArgs, print};
use crate::command::stored::{instant, write_to};

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is called, as the audit log does
    #[arg(value_name = "NAME")]
    name: String,
    /// What it allows: read, write (and read), or admin (and tokens and the audit log)
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
    /// When it expires: after so many days or hours, as in 90d or 12h, or at an instant [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Table)]
    output: Form,
}

fn scope(text: &str) -> Result<Scope, String> {
    text.to_ascii_lowercase()
        .parse()
        .map_err(|error: ratchet_interfaces::ParseNameError| error.to_string())
}

impl CreateArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let Self {
            name,
            scope,
            expires,
            output,
        } = self;
        let now = truncate_to_micros(SystemClock::new().now());
        let expires_at = expires.map(|text| end(&text, now)).transpose()?;
        Token::check(&name, expires_at, now).map_err(|refused| CliError::usage(&refused))?;
        let issued =
            IssuedToken::new(name, scope, expires_at, now).map_err(|error| CliError::failed(&error))?;
        write_to(common, async |repositories| {
            let stored = repositories.tokens().token_create(&issued.token).await;
            stored.map_err(|error| CliError::failed(&error))
        })?;
        print(&told(&issued, output))
    }
}

/// When a token expires that does so after a length of time, or at an instant.
pub(super) fn end(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, CliError> {
    let lasting = |unit: char, length: fn(i64) -> Option<TimeDelta>| {
        let number = text.strip_suffix(unit)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| number.parse().ok().and_then(length))
    };
    let lasting = lasting('d', TimeDelta::try_days).or_else(|| lasting('h', TimeDelta::try_hours));
    match lasting {
        Some(length) => length
            .and_then(|length| now.checked_add_signed(length))
            .ok_or_else(|| {
                CliError::Usage(format!(
                    "--expires is \"{text}\": that is later than any clock shows"
                ))
            }),
        None => instant("--expires", text).map(truncate_to_micros),
    }
}

pub(super) fn told(issued: &IssuedToken, output: Form) -> String {
    let IssuedToken { token, text } = issued;
    match output {
        Form::Json => {
            let mut shown = shown(token);
            shown["token"] = text.expose().into();
            format!("{shown:#}\n")
        }
        Form::Table => format!(
            "{}\n\nThis is the token \"{}\" ({}, {}). It is not shown again.\n",
            text.expose(),
            token.name,
            token.scope,
            token.expires_at.map_or_else(
                || "does not expire".to_owned(),
                |end| format!("expires {}", written(end))
            ),
        ),
    }
}
