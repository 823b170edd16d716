use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// Of twenty requests, four write.
pub(crate) struct Mix {
    schedules: Vec<String>,
    task: &'static str,
    /// Jobs and schedules that were created by requests, the latest last.
    created: Mutex<Created>,
}

#[derive(Default)]
struct Created {
    jobs: Vec<String>,
    schedules: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OneSchedule,
    SchedulesByNextRun,
    OneJob,
    LatestJobs,
    LatestExecutions,
    NextInstants,
    Ledger,
    ChangeSchedule,
    CreateJob,
    Trigger,
    CreateSchedule,
    DeleteSchedule,
}

pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::OneSchedule,
        Self::SchedulesByNextRun,
        Self::OneJob,
        Self::LatestJobs,
        Self::LatestExecutions,
        Self::NextInstants,
        Self::Ledger,
        Self::ChangeSchedule,
        Self::CreateJob,
        Self::Trigger,
        Self::CreateSchedule,
        Self::DeleteSchedule,
    ];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::OneSchedule => "read a schedule",
            Self::SchedulesByNextRun => "list schedules by next run",
            Self::OneJob => "read a job",
            Self::LatestJobs => "list the latest jobs",
            Self::LatestExecutions => "list the latest executions",
            Self::NextInstants => "next instants",
            Self::Ledger => "ledger of a schedule",
            Self::ChangeSchedule => "change a schedule",
            Self::CreateJob => "create a job",
            Self::Trigger => "trigger a schedule",
            Self::CreateSchedule => "create a schedule",
            Self::DeleteSchedule => "delete a schedule",
        }
    }
}

/// The kinds of twenty requests in a row. Of the last, every second one deletes what the one before created.
const ROUND: [Kind; 20] = [
    Kind::OneSchedule,
    Kind::OneJob,
    Kind::SchedulesByNextRun,
    Kind::OneSchedule,
    Kind::ChangeSchedule,
    Kind::LatestJobs,
    Kind::OneSchedule,
    Kind::OneJob,
    Kind::Ledger,
    Kind::CreateJob,
    Kind::OneSchedule,
    Kind::SchedulesByNextRun,
    Kind::NextInstants,
    Kind::LatestExecutions,
    Kind::Trigger,
    Kind::OneSchedule,
    Kind::OneJob,
    Kind::LatestJobs,
    Kind::OneSchedule,
    Kind::CreateSchedule,
];

impl Mix {
    pub(crate) fn new(schedules: Vec<String>, task: &'static str) -> Self {
        Self {
            schedules,
            task,
            created: Mutex::default(),
        }
    }

    /// The request with this number.
    pub(crate) fn request(&self, number: usize) -> Request {
        let kind = ROUND[number % ROUND.len()];
        let (get, post) = ("GET", "POST");
        // A prime, so that neighbours are of different schedules.
        let schedule = || {
            let place = number.wrapping_mul(7_919) % self.schedules.len();
            format!("/api/v1/schedules/{}", self.schedules[place])
        };
        let request = |method, path, body| Request {
            kind,
            method,
            path,
            body,
        };
        match kind {
            Kind::OneSchedule => request(get, schedule(), None),
            Kind::SchedulesByNextRun => request(
                get,
                "/api/v1/schedules?_sort=nextRun&enabled=true".to_owned(),
                None,
            ),
            Kind::OneJob => match self.created().jobs.last() {
                Some(job) => request(get, format!("/api/v1/jobs/{job}"), None),
                None => request(get, "/api/v1/jobs?limit=1".to_owned(), None),
            },
            Kind::LatestJobs => request(get, "/api/v1/jobs".to_owned(), None),
            Kind::LatestExecutions => request(get, "/api/v1/executions".to_owned(), None),
            Kind::NextInstants => request(get, format!("{}/next?count=5", schedule()), None),
            Kind::Ledger => request(get, format!("{}/ticks", schedule()), None),
            Kind::ChangeSchedule => {
                let body = json!({"description": format!("changed by request {number}")});
                request("PATCH", schedule(), Some(body))
            }
            Kind::CreateJob => {
                let body = json!({"taskId": self.task, "input": {"seconds": 0}});
                request(post, "/api/v1/jobs".to_owned(), Some(body))
            }
            Kind::Trigger => request(post, format!("{}/trigger", schedule()), None),
            Kind::CreateSchedule | Kind::DeleteSchedule => {
                if number / ROUND.len() % 2 == 1
                    && let Some(id) = self.created().schedules.pop()
                {
                    return Request {
                        kind: Kind::DeleteSchedule,
                        method: "DELETE",
                        path: format!("/api/v1/schedules/{id}"),
                        body: None,
                    };
                }
                let body = json!({
                    "name": format!("made-{number}"),
                    "taskId": self.task,
                    "cronExpression": "0 4 * * *",
                    "input": {"seconds": 0},
                });
                request(post, "/api/v1/schedules".to_owned(), Some(body))
            }
        }
    }

    /// Takes notice of what an answer says was created.
    pub(crate) fn learn(&self, request: &Request, answer: &Value) {
        let Some(id) = answer["data"]["id"].as_str() else {
            return;
        };
        match request.kind {
            Kind::CreateJob => self.created().jobs.push(id.to_owned()),
            Kind::CreateSchedule => self.created().schedules.push(id.to_owned()),
            _ => {}
        }
    }

    fn created(&self) -> std::sync::MutexGuard<'_, Created> {
        // Every change leaves it whole.
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_requests_write_and_what_is_created_is_deleted_later() {
        let mix = Mix::new(vec!["a".to_owned(), "b".to_owned()], "task");
        let mut writes = 0;
        for number in 0..40 {
            let request = mix.request(number);
            writes += usize::from(request.method != "GET");
            if number == 19 {
                assert_eq!(request.kind, Kind::CreateSchedule);
                mix.learn(&request, &json!({"data": {"id": "made"}}));
            }
            if number == 39 {
                assert_eq!(request.path, "/api/v1/schedules/made");
                assert_eq!(request.method, "DELETE");
            }
        }
        assert_eq!(writes, 8);
    }
}
