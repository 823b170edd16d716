use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ratchet_interfaces::{Clock, JobId, LogLevel};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::has_ended;
use crate::cli::{CliError, CommonArgs, note, print};
use crate::command::connection::{Call, Connection, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local};
use crate::command::named::{id, job, text};
use crate::command::paint::Paint;
use crate::command::table::harmless;

/// Between two looks at what an attempt prints, of which no event tells: at first; it grows by half …
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The job's id
    #[arg(value_name = "ID", value_parser = job)]
    job: JobId,
    /// Of this attempt, counted from 1 [default: the last]
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    attempt: Option<u64>,
    /// Go on until the job has ended
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl LogsArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        if self.follow && !self.form.is_table() {
            return Err(CliError::Usage(
                "--follow prints lines as they come: it does not go with -o json or yaml".to_owned(),
            ));
        }
        connected(common, Purpose::Read, async |connection| {
            if self.follow {
                return self.follow(connection).await;
            }
            // A job that there is not is no job without a log.
            connection.get(format!("/jobs/{}", self.job)).await?;
            let executions = self.executions(connection).await?;
            let wanted = match self.attempt {
                None => executions.first(),
                Some(attempt) => executions
                    .iter()
                    .find(|execution| execution["attempt"].as_u64() == Some(attempt)),
            };
            let lines = match (wanted, self.attempt) {
                (Some(execution), _) => lines(connection, id(execution), 0).await?,
                (None, Some(attempt)) => {
                    return Err(CliError::Failed(format!(
                        "job {} has no attempt {attempt}",
                        self.job
                    )));
                }
                (None, None) => {
                    note("note: the job has not run yet");
                    Vec::new()
                }
            };
            let text = written(&lines);
            self.form.print(&Value::Array(lines), || text)
        })
    }

    /// The attempts, the last first.
    async fn executions(&self, connection: &Connection) -> Result<Vec<Value>, CliError> {
        let executions = Call::get("/executions").with("jobId", self.job);
        Ok(connection.list(executions, u64::MAX).await?.rows)
    }

    /// Prints the lines of the last attempt, and of each that comes after it, until the job has ended.
    async fn follow(&self, connection: &Connection) -> Result<(), CliError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let mut watch = connection
            .watch(Arc::clone(&clock), &[self.job.to_string()])
            .await;
        let mut place = Place::default();
        let mut pause = FIRST_PAUSE;
        loop {
            // In this order: what was printed before the end is there when the end is.
            let job = async |connection: &Connection| connection.get(format!("/jobs/{}", self.job)).await;
            let job = watch.read(job).await?.data();
            let executions = watch.read(async |connection| self.executions(connection).await);
            let executions = executions.await?;
            let mut has_grown = false;
            for execution in place.unread(&executions) {
                let attempt = execution["attempt"].as_u64().unwrap_or_default();
                let seen = place.seen_of(attempt);
                let new = watch.read(async |connection| lines(connection, id(execution), seen).await);
                let new = new.await?;
                has_grown |= !new.is_empty();
                print(&written(&new))?;
                place.advance(attempt, new.len() as u64);
            }
            if has_ended(&job) {
                return Ok(());
            }
            pause = if has_grown {
                FIRST_PAUSE
            } else {
                (pause + pause / 2).min(LONGEST_PAUSE)
            };
            // While none runs, nothing is printed.
            let runs = executions
                .first()
                .is_some_and(|last| text(last, "status") == "RUNNING");
            watch.news(runs.then_some(pause)).await;
        }
    }
}

/// How far somebody has read who follows a job.
#[derive(Debug, Default)]
struct Place {
    attempt: u64,
    lines: u64,
}

impl Place {
    /// The attempts that may have further lines, in their order: at the beginning, the last alone.
    fn unread<'a>(&self, newest_first: &'a [Value]) -> Vec<&'a Value> {
        let attempt = |execution: &Value| execution["attempt"].as_u64().unwrap_or_default();
        if self.attempt == 0 {
            return newest_first.first().into_iter().collect();
        }
        let unread = newest_first
            .iter()
            .filter(|execution| attempt(execution) >= self.attempt);
        unread.rev().collect()
    }

    fn seen_of(&self, attempt: u64) -> u64 {
        if attempt == self.attempt { self.lines } else { 0 }
    }

    fn advance(&mut self, attempt: u64, lines: u64) {
        let seen = self.seen_of(attempt);
        *self = Self {
            attempt,
            lines: seen + lines,
        };
    }
}

/// The lines of an execution after so many of them.
async fn lines(connection: &Connection, execution: &str, seen: u64) -> Result<Vec<Value>, CliError> {
    let call = Call::get(format!("/executions/{execution}/logs"));
    Ok(connection.list_from(call, seen, u64::MAX).await?.rows)
}

fn written(lines: &[Value]) -> String {
    let paint = Paint::of(&std::io::stdout());
    let lines = lines.iter().map(|line| {
        let level = text(line, "level").to_lowercase();
        let level = level.parse().unwrap_or(LogLevel::Info);
        let at = in_field(line, "timestamp").map_or_else(String::new, local);
        let message = harmless(text(line, "message"));
        format!("{} {}\n", paint.faint(&at), paint.log(level, &message))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_follows_begins_with_the_last_attempt_and_leaves_no_later_one_out() {
        let execution = |attempt: u64| json!({"attempt": attempt});
        let mut place = Place::default();
        assert!(place.unread(&[]).is_empty());
        let two = [execution(2), execution(1)];
        assert_eq!(place.unread(&two), [&two[0]]);
        place.advance(2, 3);
        place.advance(2, 1);
        assert_eq!((place.seen_of(2), place.seen_of(3)), (4, 0));
        let four = [execution(4), execution(3), execution(2), execution(1)];
        assert_eq!(place.unread(&four), [&four[2], &four[1], &four[0]]);
    }
}
