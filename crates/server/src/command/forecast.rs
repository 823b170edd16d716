mod remote;
mod written;

use std::io::{BufWriter, StdoutLock};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use clap::Args;
use ratchet_interfaces::{
    BusyInstant, Clock, ForecastBucket, ForecastRequest, ForecastTick, SchedulerError, SchedulerService,
    WhatIf,
};
use ratchet_scheduler::{SchedulerConfig, SystemClock, TokioCronSchedulerService};
use serde_json::json;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{length_flag, typed};
use crate::command::stored::{in_order, read_from};
use crate::command::table::harmless;
use written::Written;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet forecast                          every tick of the next 24 hours\n  \
                        ratchet forecast --bucket 1h              how many are due in each hour\n  \
                        ratchet forecast --busiest 5              the five fullest seconds\n  \
                        ratchet forecast -o json | jq -r '.[].name'\n  \
                        ratchet forecast --busiest 5 --what-if 'report=every hour' --spread 10m\n  \
                        ratchet forecast --without system_heartbeat --from 2026-12-24T00:00:00Z --to 2027-01-01T00:00:00Z\n\n\
                        Without --server and RATCHET_SERVER, it is worked out here over the database, however much it is. A server \
                        counts 1,000,000 ticks at the most, and tells of 10,000 stretches and 1,000 seconds."
)]
pub(crate) struct ForecastArgs {
    /// The first instant: RFC 3339, or from now as in +1d [default: now]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// Ticks before this instant [default: a day after the first]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
    /// Count the ticks in stretches of so long (15m, 1h, 1d) instead of listing them
    #[arg(long, value_name = "WIDTH", conflicts_with = "busiest")]
    bucket: Option<String>,
    /// Print the seconds in which most ticks are due, so many
    #[arg(long, value_name = "N")]
    busiest: Option<usize>,
    /// As if there were a schedule of this name and specification, instead of the stored one if there is one; may be
    /// given several times
    #[arg(long, value_name = "NAME=EXPR")]
    what_if: Vec<String>,
    /// The zone in which --what-if is read
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "what_if")]
    tz: String,
    /// Over how long the ticks of --what-if are spread (1500ms, 30s, 10m)
    #[arg(long, value_name = "WIDTH", default_value = "0s", requires = "what_if")]
    spread: String,
    /// As if the schedule of this name were not there; may be given several times
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    #[command(flatten)]
    form: FormArgs,
}

/// How the ticks are told.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Each,
    Buckets(Duration),
    Busiest(usize),
}

impl ForecastArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let request = self.request(SystemClock::new().now())?;
        let shape = self.shape()?;
        match common.server()? {
            Some(_) => self.ask(common, &request, shape),
            None => self.work_out(common, request, shape),
        }
    }

    fn shape(&self) -> Result<Shape, CliError> {
        Ok(match (&self.bucket, self.busiest) {
            (Some(text), _) => Shape::Buckets(length("--bucket", text)?),
            (None, Some(most)) => Shape::Busiest(most),
            (None, None) => Shape::Each,
        })
    }

    /// What a server is asked, but for the first instant and the shape.
    fn asked(&self, request: &ForecastRequest) -> Result<Call, CliError> {
        let spread = self.spread()?;
        let mut asked = Call::get("/forecast").with("to", at(request.to));
        if !self.what_if.is_empty() {
            asked = asked
                .with("timezone", &self.tz)
                .with("spreadSeconds", spread.as_secs_f64());
        }
        for idea in &self.what_if {
            asked = asked.with("whatIf", idea);
        }
        for name in &self.without {
            asked = asked.with("without", name);
        }
        Ok(asked)
    }

    /// Has a server work it out, which has bounds of its own.
    fn ask(&self, common: &CommonArgs, request: &ForecastRequest, shape: Shape) -> Result<(), CliError> {
        let asked = self.asked(request)?;
        let from = at(request.from);
        let mut written = self.written();
        connected(common, Purpose::Read, async |connection| match shape {
            Shape::Each => remote::each(connection, asked, from, &mut written).await,
            Shape::Buckets(width) => {
                let asked = asked.with("from", from).with("bucketSeconds", width.as_secs());
                remote::counted(connection, asked, ("buckets", "from"), &mut written).await
            }
            Shape::Busiest(most) => {
                let asked = asked.with("from", from).with("busiest", most);
                remote::counted(connection, asked, ("busiest", "at"), &mut written).await
            }
        })?;
        written.end()
    }

    /// Works it out here, over the database: however many ticks there are.
    fn work_out(&self, common: &CommonArgs, request: ForecastRequest, shape: Shape) -> Result<(), CliError> {
        read_from(common, async |repositories| {
            let failed = |error| self.refused(error);
            let service =
                TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
                    .map_err(failed)?;
            let mut written = self.written();
            // The data are those of the API.
            let told = match shape {
                Shape::Buckets(width) => {
                    let buckets = service.forecast_buckets(request, width).await.map_err(failed)?;
                    let line = |bucket: &ForecastBucket| format!("{} {}", at(bucket.from), bucket.ticks);
                    written.rows(
                        buckets,
                        line,
                        |bucket| json!({"from": at(bucket.from), "ticks": bucket.ticks}),
                    )
                }
                Shape::Busiest(most) => {
                    let busy = service.forecast_busiest(request, most).await.map_err(failed)?;
                    let line = |busy: &BusyInstant| format!("{} {}", at(busy.at), busy.ticks);
                    written.rows(busy, line, |busy| json!({"at": at(busy.at), "ticks": busy.ticks}))
                }
                Shape::Each => {
                    let ticks = service.forecast(request).await.map_err(failed)?;
                    let line = |tick: &ForecastTick| format!("{} {}", at(tick.due_at), harmless(&tick.name));
                    written.rows(ticks, line, |tick| {
                        json!({
                            "dueAt": at(tick.due_at),
                            "scheduledFor": at(tick.scheduled_for),
                            "scheduleId": tick.schedule_id,
                            "name": *tick.name,
                        })
                    })
                }
            };
            // All of it is written, or nobody reads it any more.
            match told? {
                ControlFlow::Continue(()) => written.end(),
                ControlFlow::Break(()) => Ok(()),
            }
        })
    }

    fn written(&self) -> Written<BufWriter<StdoutLock<'static>>> {
        Written::new(BufWriter::new(std::io::stdout().lock()), self.form.form())
    }

    /// What of a request was refused, by the flag and as it was typed; anything else is no mistake of who typed it.
    fn refused(&self, error: SchedulerError) -> CliError {
        let SchedulerError::InvalidRequest { field, value, rule } = &error else {
            return match error {
                SchedulerError::InvalidSchedule { .. } => CliError::usage(&error),
                _ => CliError::failed(&error),
            };
        };
        let (flag, typed) = match *field {
            "width" => ("--bucket", self.bucket.as_ref().unwrap_or(value)),
            "most" => ("--busiest", value),
            "whatIf.without" => ("--without", value),
            "whatIf.name" | "whatIf.specification" => ("--what-if", value),
            "whatIf.spread" => ("--spread", &self.spread),
            other => (other, value),
        };
        CliError::Usage(format!("{flag} is \"{typed}\": {rule}"))
    }

    fn spread(&self) -> Result<Duration, CliError> {
        length_flag(&self.spread)
            .map_err(|rule| CliError::Usage(format!("--spread is \"{}\": {rule}", self.spread)))
    }

    fn request(&self, now: DateTime<Utc>) -> Result<ForecastRequest, CliError> {
        let now = now.trunc_subsecs(0);
        let from = match &self.from {
            Some(text) => typed("--from", text, now)?,
            None => now,
        };
        let to = match &self.to {
            Some(text) => typed("--to", text, now)?,
            None => from + TimeDelta::days(1),
        };
        in_order(from, to)?;
        let spread = self.spread()?;
        let set = self.what_if.iter().map(|text| {
            let (name, specification) = text.split_once('=').ok_or_else(|| {
                CliError::Usage(format!(
                    "--what-if is \"{text}\": it is written as in report='every hour'"
                ))
            })?;
            Ok(WhatIf::Set {
                name: name.to_owned(),
                specification: specification.to_owned(),
                timezone: self.tz.clone(),
                spread,
            })
        });
        let without = self
            .without
            .iter()
            .map(|name| Ok(WhatIf::Without { name: name.clone() }));
        Ok(ForecastRequest {
            from,
            to,
            what_if: set.chain(without).collect::<Result<_, CliError>>()?,
        })
    }
}

fn at(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time as in specifications: a whole number and one of s, m, h, d.
fn length(flag: &str, text: &str) -> Result<Duration, CliError> {
    let read = || {
        let unit = text.chars().last()?;
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        Some(Duration::from_secs(count.checked_mul(seconds)?))
    };
    read().ok_or_else(|| {
        CliError::Usage(format!(
            "{flag} is \"{text}\": a length is a whole number and one of s, m, h, d, as in 15m"
        ))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        forecast: ForecastArgs,
    }

    #[test]
    fn a_server_is_asked_for_the_spread_that_was_typed() {
        for (spread, sent) in [("1500ms", "1.5"), ("30s", "30"), ("10m", "600")] {
            let words = ["forecast", "--what-if", "a=every hour", "--spread", spread];
            let Typed { forecast } = Typed::parse_from(words);
            let request = forecast.request(SystemClock::new().now()).unwrap();
            let target = forecast.asked(&request).unwrap().target();
            assert!(target.contains(&format!("spreadSeconds={sent}&")), "{target}");
        }
    }

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        assert_eq!(length("--bucket", "15m").unwrap(), Duration::from_secs(900));
        assert_eq!(length("--bucket", "2d").unwrap(), Duration::from_secs(172_800));
        for wrong in ["", "m", "15", "-1h", "1.5h", "1 h", "1w", "99999999999999999999d"] {
            let error = length("--bucket", wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("\"{wrong}\"")), "{error}");
        }
    }
}
