//! The forecast of a server that was named, page by page.

use std::io::Write;

use serde_json::Value;

use super::written::Written;

use crate::cli::CliError;
use crate::command::connection::{Call, Connection};
use crate::command::named::text;
use crate::command::table::harmless;

/// The most ticks of an answer.
const MOST: u64 = 10_000;

/// What the flags are called as parameters.
const FLAGS: [(&str, &str); 8] = [
    ("from", "--from"),
    ("to", "--to"),
    ("bucketSeconds", "--bucket"),
    ("busiest", "--busiest"),
    ("whatIf", "--what-if"),
    ("without", "--without"),
    ("timezone", "--tz"),
    ("spreadSeconds", "--spread"),
];

/// Each tick from an instant on.
pub(super) async fn each(
    connection: &Connection,
    asked: Call,
    from: String,
    written: &mut Written<impl Write>,
) -> Result<(), CliError> {
    let mut from = from;
    loop {
        let page = asked.clone().with("from", &from).with("limit", MOST);
        let mut forecast = answered(connection, page).await?;
        let mut ticks = rows(&mut forecast, "ticks")?;
        let next = forecast["next"].as_str().map(str::to_owned);
        if let Some(next) = &next {
            // Those of the very instant at which the next page begins come again with it.
            ticks.retain(|tick| text(tick, "dueAt") != next);
            if ticks.is_empty() {
                return Err(CliError::Failed(format!(
                    "more than {MOST} ticks are due at {next}, and a server tells no more of one instant: --bucket and \
                     --busiest count them"
                )));
            }
        }
        let line = |tick: &Value| {
            let (at, name) = (text(tick, "dueAt"), text(tick, "name"));
            format!("{} {}", harmless(at), harmless(name))
        };
        if written.rows(ticks, line, Value::clone)?.is_break() {
            return Ok(());
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// How many ticks there are in each stretch, or in the fullest seconds, which is the only answer.
pub(super) async fn counted(
    connection: &Connection,
    asked: Call,
    (list, at): (&str, &str),
    written: &mut Written<impl Write>,
) -> Result<(), CliError> {
    let mut forecast = answered(connection, asked).await?;
    let counted = rows(&mut forecast, list)?;
    let line = |row: &Value| format!("{} {}", harmless(text(row, at)), row["ticks"]);
    // All of it is written, or nobody reads it any more.
    written.rows(counted, line, Value::clone).map(drop)
}

async fn answered(connection: &Connection, asked: Call) -> Result<Value, CliError> {
    match connection.send(asked).await {
        Ok(answer) => Ok(answer.data()),
        Err(CliError::Usage(refusal)) => Err(CliError::Usage(by_flag(refusal))),
        Err(error) => Err(error),
    }
}

/// What of a request was refused, by the flag that has it.
fn by_flag(refusal: String) -> String {
    for (parameter, flag) in FLAGS {
        if let Some(rule) = refusal
            .strip_prefix(parameter)
            .filter(|rest| rest.starts_with(": "))
        {
            return format!("{flag}{rule}");
        }
    }
    refusal
}

fn rows(forecast: &mut Value, list: &str) -> Result<Vec<Value>, CliError> {
    match forecast[list].take() {
        Value::Array(rows) => Ok(rows),
        _ => Err(CliError::Failed("/forecast is no forecast".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::RawQuery;
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::json;

    use super::*;
    use crate::command::form::Form;

    const AT: [&str; 3] = [
        "2030-01-01T00:00:00Z",
        "2030-01-01T00:00:30Z",
        "2030-01-01T00:01:00Z",
    ];

    /// A server that has two ticks at each instant, and shows so many at once.
    fn server(most: usize) -> Connection {
        let answer = move |RawQuery(query): RawQuery| async move {
            let query = query.unwrap();
            let from = AT
                .iter()
                .position(|at| query.contains(&at.replace(':', "%3A")))
                .unwrap();
            let ticks: Vec<_> = AT[from..]
                .iter()
                .flat_map(|at| ["a", "b\u{1b}"].map(|name| json!({"dueAt": at, "name": name})))
                .collect();
            let next = ticks.get(most).map(|tick| tick["dueAt"].clone());
            let shown = &ticks[..most.min(ticks.len())];
            Json(json!({"data": {"ticks": shown, "next": next}}))
        };
        Connection::to(Router::new().route("/api/v1/forecast", get(answer)))
    }

    /// Takes so many lines, and then nobody reads any more.
    struct Reader {
        text: Vec<u8>,
        lines: usize,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.lines == 0 {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.lines -= 1;
            self.text.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    async fn told(connection: &Connection, lines: usize) -> Result<Vec<String>, CliError> {
        let mut reader = Reader {
            text: Vec::new(),
            lines,
        };
        let mut written = Written::new(&mut reader, Form::Table);
        each(connection, Call::get("/forecast"), AT[0].to_owned(), &mut written).await?;
        let text = String::from_utf8(reader.text).unwrap();
        Ok(text.lines().map(str::to_owned).collect())
    }

    #[tokio::test]
    async fn each_tick_is_told_once_however_many_a_page_has() {
        for most in [3, 4, 5, 6, 7] {
            let told = told(&server(most), usize::MAX).await.unwrap();
            let expected: Vec<_> = AT
                .iter()
                .flat_map(|at| ["a", "b\u{fffd}"].map(|name| format!("{at} {name}")))
                .collect();
            assert_eq!(told, expected, "{most}");
        }
    }

    #[tokio::test]
    async fn a_page_that_ends_within_its_only_instant_leads_to_no_further_one() {
        let error = told(&server(1), usize::MAX).await.unwrap_err().to_string();
        assert!(error.contains(AT[0]) && error.contains("--bucket"), "{error}");
    }

    #[tokio::test]
    async fn no_page_is_asked_for_once_nobody_reads() {
        assert_eq!(told(&server(3), 2).await.unwrap().len(), 2);
    }

    #[test]
    fn what_is_refused_is_told_by_its_flag() {
        for (refusal, told) in [
            (
                "bucketSeconds: \"0\" is not allowed",
                "--bucket: \"0\" is not allowed",
            ),
            ("to: it is late", "--to: it is late"),
            ("together: no", "together: no"),
        ] {
            assert_eq!(by_flag(refusal.to_owned()), told);
        }
    }
}
