use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use ratchet_interfaces::{Clock, JobId};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::{error_line, has_ended};
use crate::cli::{CliError, CommonArgs, note};
use crate::command::connection::{Connection, News, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::length_flag;
use crate::command::named::{id, job, text};
use crate::command::table::harmless;

/// How often it is asked how far a job is, for a bar on a terminal: no event tells that.
const PROGRESS: Duration = Duration::from_secs(1);

/// How long is waited.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WaitArgs {
    /// How long to wait, as in 90s or 5m [default: as long as it takes]
    #[arg(long, value_name = "LENGTH", value_parser = length_flag)]
    timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct JobWaitArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true, value_parser = job)]
    jobs: Vec<JobId>,
    #[command(flatten)]
    waiting: WaitArgs,
    #[command(flatten)]
    form: FormArgs,
}

impl JobWaitArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let ids: Vec<String> = self.jobs.iter().map(ToString::to_string).collect();
        connected(common, Purpose::Read, async |connection| {
            self.waiting.until_ended(connection, &ids, self.form).await
        })
    }
}

impl WaitArgs {
    /// Waits for jobs that this command has just made, which a server must run.
    pub(crate) async fn wait(
        self,
        connection: &Connection,
        ids: &[String],
        form: FormArgs,
    ) -> Result<(), CliError> {
        if !connection.has_server() {
            return Err(CliError::Failed(format!(
                "job {} is queued, but no server runs that could be waited for; one runs it when it is started \
                 (`ratchet serve`)",
                ids.join(", ")
            )));
        }
        self.until_ended(connection, ids, form).await
    }

    async fn until_ended(
        self,
        connection: &Connection,
        ids: &[String],
        form: FormArgs,
    ) -> Result<(), CliError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let jobs = Waiting {
            connection,
            clock,
            timeout: self.timeout,
            bars: Bars::of(ids),
        }
        .wait(ids)
        .await;
        let Ended { jobs, in_time } = jobs?;
        let unfinished = jobs.iter().filter(|job| !has_ended(job)).count();
        let lost = jobs
            .iter()
            .filter(|job| has_ended(job) && text(job, "status") != "COMPLETED");
        let lost = lost.count();
        let data = Value::Array(jobs);
        form.print(&data, || told(&data))?;
        if !in_time {
            return Err(CliError::TimedOut(format!(
                "the time is over, and {unfinished} have not ended"
            )));
        }
        match lost {
            0 => Ok(()),
            lost => Err(CliError::Failed(format!(
                "{lost} of {} failed or were cancelled",
                ids.len()
            ))),
        }
    }
}

fn told(jobs: &Value) -> String {
    let none = Vec::new();
    let jobs = jobs.as_array().unwrap_or(&none).iter();
    jobs.map(|job| {
        let status = text(job, "status").to_lowercase();
        let error = error_line(job);
        let why = if error.is_empty() {
            String::new()
        } else {
            format!(": {}", harmless(error))
        };
        format!("{} {status}{why}\n", id(job))
    })
    .collect()
}

struct Waiting<'a> {
    connection: &'a Connection,
    clock: Arc<dyn Clock>,
    timeout: Option<Duration>,
    bars: Bars,
}

/// What the jobs came to.
struct Ended {
    jobs: Vec<Value>,
    in_time: bool,
}

impl Waiting<'_> {
    /// Reads each job that has not ended whenever there may be something new of it, in the order of the ids.
    async fn wait(&self, ids: &[String]) -> Result<Ended, CliError> {
        let began = self.clock.monotonic();
        let mut watch = self.connection.watch(Arc::clone(&self.clock), ids).await;
        let mut jobs: Vec<Value> = vec![Value::Null; ids.len()];
        let mut news = News::Unknown;
        let mut is_told = false;
        loop {
            for (place, id) in ids.iter().enumerate() {
                if news.concerns(id) && !has_ended(&jobs[place]) {
                    let read = async |connection: &Connection| connection.get(format!("/jobs/{id}")).await;
                    jobs[place] = watch.read(read).await?.data();
                    self.show(place, &jobs[place]).await?;
                }
            }
            if jobs.iter().all(has_ended) {
                return Ok(Ended { jobs, in_time: true });
            }
            if !std::mem::replace(&mut is_told, true) && !self.connection.has_server() {
                note("note: no server runs; the jobs wait until one is started (`ratchet serve`)");
            }
            let waited = self.clock.monotonic().saturating_sub(began);
            let left = self.timeout.map(|timeout| timeout.saturating_sub(waited));
            if left == Some(Duration::ZERO) {
                return Ok(Ended { jobs, in_time: false });
            }
            let progress = self.looks_at(&jobs).then_some(PROGRESS);
            news = tokio::select! {
                news = watch.news(progress) => news,
                () = self.sleep(left) => News::Unknown,
            };
        }
    }

    /// Whether somebody looks at how far one of the jobs is.
    fn looks_at(&self, jobs: &[Value]) -> bool {
        !self.bars.shown.is_empty() && jobs.iter().any(|job| text(job, "status") == "PROCESSING")
    }

    /// For ever, if there is no length.
    async fn sleep(&self, length: Option<Duration>) {
        match length {
            Some(length) => self.clock.sleep(length).await,
            None => std::future::pending().await,
        }
    }

    async fn show(&self, place: usize, job: &Value) -> Result<(), CliError> {
        let Some(bar) = self.bars.shown.get(place) else {
            return Ok(());
        };
        bar.set_message(text(job, "status").to_lowercase());
        if has_ended(job) {
            bar.finish();
            return Ok(());
        }
        let execution = text(job, "executionId");
        if execution.is_empty() {
            return Ok(());
        }
        let execution = self.connection.get(format!("/executions/{execution}")).await;
        // An execution that has ended meanwhile may be gone; the job tells the rest.
        let Ok(execution) = execution else {
            return Ok(());
        };
        let progress = &execution.data()["progress"];
        if let Some(percent) = progress["percent"].as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a percentage is 0 through 100"
            )]
            bar.set_position(percent as u64);
            bar.set_message(harmless(text(progress, "message")).replace('\n', " "));
        }
        Ok(())
    }
}

/// A bar for each job on standard error, if that is a terminal and has room for them.
struct Bars {
    shown: Vec<ProgressBar>,
    _all: MultiProgress,
}

impl Bars {
    const MOST: usize = 8;

    fn of(ids: &[String]) -> Self {
        let all = MultiProgress::new();
        let mut shown = Vec::new();
        if ids.len() <= Self::MOST && !all.is_hidden() {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % {wide_msg}");
            for id in ids {
                let bar = all.add(ProgressBar::new(100));
                if let Ok(style) = &style {
                    bar.set_style(style.clone());
                }
                bar.set_prefix(id.clone());
                shown.push(bar);
            }
        }
        Self { shown, _all: all }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::Path;
    use axum::routing::get;
    use axum::{Json, Router};
    use chrono::{DateTime, TimeDelta};
    use ratchet_interfaces::ManualClock;
    use serde_json::json;

    use super::*;

    /// Each job completes when it is asked for so many times; `never` does not.
    fn jobs(times: usize) -> Connection {
        let asked = Arc::new(AtomicUsize::new(0));
        let job = async move |Path(id): Path<String>| {
            let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let status = if id != "never" && count >= times {
                "COMPLETED"
            } else {
                "QUEUED"
            };
            Json(json!({"data": {"id": id, "status": status}}))
        };
        Connection::to(Router::new().route("/api/v1/jobs/{id}", get(job)))
    }

    async fn wait(connection: &Connection, id: &str, timeout: Option<Duration>) -> Ended {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let waiting = Waiting {
            connection,
            clock: Arc::clone(&clock) as _,
            timeout,
            bars: Bars {
                shown: Vec::new(),
                _all: MultiProgress::new(),
            },
        };
        let ids = [id.to_owned()];
        let wait = waiting.wait(&ids);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                ended = &mut wait => return ended.unwrap(),
                () = std::future::ready(()) => clock.advance(TimeDelta::milliseconds(100)),
            }
        }
    }

    #[tokio::test]
    async fn a_job_is_asked_for_until_it_has_ended_or_the_time_is_over() {
        let ended = wait(&jobs(3), "a", None).await;
        assert!(ended.in_time);
        assert_eq!(ended.jobs[0]["status"], "COMPLETED");
        let ended = wait(&jobs(1), "never", Some(Duration::from_secs(5))).await;
        assert!(!ended.in_time);
        assert_eq!(ended.jobs[0]["status"], "QUEUED");
    }
}
