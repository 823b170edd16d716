//! What tests make, under names that nobody else has, and take away again.

use std::cell::RefCell;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{act, delete, get, post, until};

/// An expression that never comes while a test runs.
pub(crate) const FAR: &str = "0 0 1 1 *";
/// An instant that never comes while a test runs.
pub(crate) const FAR_OFF: &str = "2090-01-01T00:00:00Z";

/// It adds; or fails, or runs until it is stopped.
const PROGRAM: &str = "(input) => {
    console.log('it runs');
    if (input.fail) { throw new Error('it was asked to fail'); }
    while (input.forever) {}
    return { sum: (input.a || 0) + (input.b || 0) };
}";

/// A name that nobody else has.
pub(crate) fn unique(noun: &str) -> String {
    format!("contract-{noun}-{}", Uuid::now_v7())
}

/// What a test made: it is deleted when the test has ended, however it ended.
#[derive(Default)]
pub(crate) struct Made {
    schedules: RefCell<Vec<String>>,
    tasks: RefCell<Vec<String>>,
}

impl Made {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// A task that runs `PROGRAM`, but for what is given of it.
    pub(crate) fn task(&self, more: &Value) -> Value {
        let task = json!({"name": unique("task"), "version": "1.0.0", "sourceCode": PROGRAM});
        let task = post("/tasks", &with(task, more)).created();
        self.will_delete_task(&task);
        task
    }

    /// A schedule of a task that does not fire while a test runs, but for what is given of it.
    pub(crate) fn schedule(&self, task: &Value, more: &Value) -> Value {
        let schedule = json!({"name": unique("schedule"), "taskId": task["id"], "cronExpression": FAR});
        let schedule = post("/schedules", &with(schedule, more)).created();
        self.will_delete_schedule(&schedule);
        schedule
    }

    /// A job of a task.
    pub(crate) fn job(&self, task: &Value, more: &Value) -> Value {
        let job = json!({"taskId": task["id"], "input": {"a": 1, "b": 2}});
        post("/jobs", &with(job, more)).created()
    }

    /// A job of a task that does not run while a test does.
    pub(crate) fn waiting_job(&self, task: &Value, more: &Value) -> Value {
        self.job(task, &with(json!({"runAfter": FAR_OFF}), more))
    }

    /// Has a task deleted with its jobs, as one that was made here.
    pub(crate) fn will_delete_task(&self, task: &Value) {
        self.tasks.borrow_mut().push(text(&task["id"]));
    }

    /// Has a schedule deleted, as one that was made here.
    pub(crate) fn will_delete_schedule(&self, schedule: &Value) {
        self.schedules.borrow_mut().push(text(&schedule["id"]));
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Why the test failed is what matters. What is left has a name that disturbs nobody.
            let left = (self.schedules.take(), self.tasks.take());
            eprintln!("schedules and tasks that are left: {left:?}");
            return;
        }
        for schedule in self.schedules.take() {
            let answer = delete(&format!("/schedules/{schedule}"));
            assert!([200, 404].contains(&answer.status), "{answer:?}");
        }
        for task in self.tasks.take() {
            until("the task can be deleted", || {
                delete_with_jobs(&task).then_some(())
            });
        }
    }
}

/// Whether the task is gone. Until it is, its jobs are called off.
fn delete_with_jobs(task: &str) -> bool {
    let answer = delete(&format!("/tasks/{task}"));
    if [204, 404].contains(&answer.status) {
        return true;
    }
    answer.error(409, "CONFLICT");
    for status in ["BLOCKED", "BUFFERED", "RETRYING", "QUEUED", "PROCESSING"] {
        for job in get(&format!("/jobs?taskId={task}&status={status}&limit=100")).rows() {
            let cancelled = post(&path_of("jobs", &job, "/cancel"), &json!({"terminate": true}));
            assert!([200, 404, 409].contains(&cancelled.status), "{cancelled:?}");
        }
    }
    false
}

/// An object with the members of another.
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
    let members = more.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(members);
    object
}

/// The path of a thing, or of something of it.
pub(crate) fn path_of(resource: &str, thing: &Value, of_it: &str) -> String {
    format!("/{resource}/{}{of_it}", thing["id"].as_str().unwrap())
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// Reads a job until it has this status.
pub(crate) fn job_until(job: &Value, status: &str) -> Value {
    thing_until("jobs", job, status)
}

/// Reads a job or an execution until it has this status.
pub(crate) fn thing_until(resource: &str, thing: &Value, status: &str) -> Value {
    let path = path_of(resource, thing, "");
    until(&format!("{path} is {status}"), || {
        let thing = get(&path).data();
        (thing["status"] == status).then_some(thing)
    })
}

/// Cancels a job, and waits until it is.
pub(crate) fn cancel_job(job: &Value) -> Value {
    act(&path_of("jobs", job, "/cancel")).expect(200);
    job_until(job, "CANCELLED")
}
