use serde_json::{Value, json};

use crate::client::{act, get, patch, post, until};
use crate::made::{Made, cancel_job, job_until, path_of, text};

/// Things of all kinds, so that every list has rows that differ in whatever they can be filtered and sorted by.
pub(super) struct Seed {
    task: Value,
    schedule: Value,
    completed: Value,
    execution: Value,
    /// What all names that were made here have, and no others.
    mark: String,
}

impl Seed {
    pub(super) fn sown(made: &Made) -> Self {
        let mark = text(&made.task(&json!({"description": "the first"}))["name"]);
        let task_of = |word: &str, more: Value| {
            let more = crate::made::with(json!({"name": format!("{mark}-{word}")}), &more);
            made.task(&more)
        };
        let task = task_of("a", json!({"description": "the second", "version": "2.0.0"}));
        let other = task_of(
            "B",
            json!({"sourceCode": null, "metadata": {"a": 1}, "version": "1.10.0"}),
        );
        patch(&path_of("tasks", &task, ""), &json!({"description": "changed"})).expect(200);

        let schedule_of = |word: &str, more: Value| {
            let more = crate::made::with(
                json!({"name": format!("{mark}-{word}"), "description": word}),
                &more,
            );
            made.schedule(&task, &more)
        };
        let schedule = schedule_of(
            "daily",
            json!({"cronExpression": "0 0 1 2 *", "priority": "HIGH"}),
        );
        schedule_of(
            "Berlin",
            json!({"cronExpression": "0 0 3 3 *", "timezone": "Europe/Berlin"}),
        );
        schedule_of("asleep", json!({"enabled": false, "priority": "LOW"}));
        let paused = schedule_of("paused", json!({}));
        let pause = json!({"by": "contract", "note": "for a while"});
        post(&path_of("schedules", &paused, "/pause"), &pause).expect(200);
        for _ in 0..3 {
            let triggered = act(&path_of("schedules", &schedule, "/trigger")).data();
            job_until(&triggered["job"], "COMPLETED");
        }

        let to_both = ["stdout", "stderr"]
            .map(|stream| json!({"destinationType": "stdio", "stdio": {"stream": stream}}));
        let completed = made.job(
            &task,
            &json!({"priority": "CRITICAL", "outputDestinations": to_both}),
        );
        let completed = job_until(&completed, "COMPLETED");
        let deliveries = path_of("jobs", &completed, "/deliveries");
        until("the result is delivered", || {
            let rows = get(&deliveries).rows();
            (rows.len() == 2 && rows.iter().all(|row| row["status"] == "DELIVERED")).then_some(())
        });
        let failed = made.job(
            &task,
            &json!({"input": {"fail": true}, "maxRetries": 0, "uniqueKey": format!("{mark}-key")}),
        );
        job_until(&failed, "FAILED");
        cancel_job(&made.waiting_job(&task, &json!({"priority": "LOW"})));
        made.waiting_job(
            &task,
            &json!({"priority": "HIGH", "concurrencyKey": format!("{mark}-key"), "scheduledFor": "2091-02-03T04:05:06Z"}),
        );
        made.waiting_job(&other, &json!({"scheduledFor": "2092-02-03T04:05:06.789Z"}));
        // No job is created for a task that is disabled.
        act(&path_of("tasks", &other, "/disable")).expect(200);
        let of_job = format!("/executions?jobId={}", text(&completed["id"]));
        let execution = get(&of_job).rows().remove(0);
        Self {
            task,
            schedule,
            completed,
            execution,
            mark,
        }
    }

    /// The path of a list of the document, with the id of something that has rows there.
    pub(super) fn path(&self, path: &str) -> String {
        let of = if path.contains("/schedules/{id}") {
            &self.schedule
        } else if path.contains("/jobs/{id}") {
            &self.completed
        } else if path.contains("/executions/{id}") {
            &self.execution
        } else if path.contains("/tasks/{id}") {
            &self.task
        } else {
            assert!(!path.contains('{'), "no seed has rows for {path}");
            return path.to_owned();
        };
        path.replace("{id}", &text(&of["id"]))
    }

    /// The parameters of a list of the document that leave what was made here alone, as name and value.
    pub(super) fn own(&self, path: &str) -> Vec<(&'static str, String)> {
        let of_task = ("taskId", text(&self.task["id"]));
        match path.rsplit('/').next() {
            Some("tasks") => vec![("name_like", self.mark.clone())],
            Some("schedules") => vec![("name_like", self.mark.clone()), of_task],
            Some("jobs") => vec![of_task],
            Some("executions") => vec![of_task, ("jobId", text(&self.completed["id"]))],
            _ => Vec::new(),
        }
    }
}
