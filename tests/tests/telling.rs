//! A client that knows nothing but what the real server tells knows where each job stands: whatever brought it there, and
//! each change once.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use ratchet_tests::{EventWatcher, ServerProcess};
use rustix::process::Signal;
use serde_json::{Value, json};

const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const PATIENCE: Duration = Duration::from_secs(60);
/// So few that jobs wait.
const SLOTS: &str = "3";

/// What a client knows of jobs.
struct View {
    status: HashMap<String, String>,
    /// Those that there were when it began to watch: of a change at that moment it may be told after it has seen it.
    before: HashSet<String>,
    /// From which states to which jobs went.
    seen: HashMap<(String, String), usize>,
}

impl View {
    fn beginning_with(rows: HashMap<String, String>) -> Self {
        Self {
            before: rows.keys().cloned().collect(),
            status: rows,
            seen: HashMap::new(),
        }
    }

    /// Takes in what is told until this job has ended.
    fn follow(&mut self, watcher: &mut EventWatcher, last: &str) {
        loop {
            let told = watcher.next().expect("the stream goes on");
            assert_eq!(told.name, "job", "{told:?}");
            let text = |field: &str| told.data[field].as_str().unwrap_or_default().to_owned();
            let (job, status) = (text("jobId"), text("status"));
            let before = self.status.insert(job.clone(), status.clone());
            assert!(
                before.as_ref() != Some(&status) || self.before.contains(&job),
                "{job} is told twice to be {status}"
            );
            *self.seen.entry((text("from"), status.clone())).or_default() += 1;
            if job == last && status == "COMPLETED" {
                return;
            }
        }
    }

    fn saw(&self, from: &str, to: &str, times: usize) -> bool {
        let seen = self.seen.get(&(from.to_owned(), to.to_owned()));
        seen.is_some_and(|seen| *seen >= times)
    }
}

/// Where each job stands, by its row.
fn rows(server: &ServerProcess) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for page in 1.. {
        let (status, answer) = server.get(&format!("/api/v1/jobs?limit=100&page={page}"));
        assert_eq!(status, 200, "{answer}");
        for job in answer["data"].as_array().unwrap() {
            let text = |field: &str| job[field].as_str().unwrap().to_owned();
            all.insert(text("id"), text("status"));
        }
        if answer["meta"]["pagination"]["hasNext"] == false {
            break;
        }
    }
    all
}

fn post(server: &ServerProcess, path: &str, body: &Value) -> Value {
    let answer = server.send("POST", &format!("/api/v1{path}"), &[], Some(body));
    assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
    answer.body["data"].clone()
}

fn id_of(created: &Value) -> String {
    created["id"].as_str().unwrap().to_owned()
}

fn job(server: &ServerProcess, more: &Value) -> String {
    let mut body = json!({"taskId": WAIT, "input": {"seconds": 0}});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    id_of(&post(server, "/jobs", &body))
}

fn schedule(server: &ServerProcess, name: &str, when: &str, seconds: u32, policies: &Value) -> String {
    // One waits behind the others, until a later tick takes its place.
    let priority = if name == "waits" { "LOW" } else { "HIGH" };
    let body = json!({"taskId": WAIT, "name": name, "cronExpression": when, "priority": priority,
        "input": {"seconds": seconds}, "policies": policies});
    id_of(&post(server, "/schedules", &body))
}

fn start(folder: &Path) -> ServerProcess {
    ServerProcess::start(folder, &["--max-concurrent-jobs", SLOTS]).ready()
}

/// Lets the client see all that was told so far, and compares what it knows with the rows. That a job was taken away
/// is told by who ran it, a little later than others see it.
fn compare(view: &mut View, watcher: &mut EventWatcher, server: &ServerProcess) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = job(server, &json!({"priority": "CRITICAL"}));
        view.follow(watcher, &last);
        let rows = rows(server);
        let differing: Vec<_> = rows
            .iter()
            .filter(|(id, status)| view.status.get(*id) != Some(*status))
            .map(|(id, status)| (id, status, view.status.get(id)))
            .collect();
        if differing.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{differing:#?}");
    }
}

/// Disables the schedules, calls off what has not ended, and waits until all has.
fn wind_up(server: &ServerProcess, schedules: &[String]) {
    for id in schedules {
        let path = format!("/api/v1/schedules/{id}/disable");
        assert_eq!(server.send("POST", &path, &[], None).status, 200);
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ended = ["COMPLETED", "FAILED", "CANCELLED"];
        let mut left = rows(server);
        left.retain(|_, status| !ended.contains(&status.as_str()));
        if left.is_empty() {
            return;
        }
        for id in left.keys() {
            let path = format!("/api/v1/jobs/{id}/cancel");
            let status = server
                .send("POST", &path, &[], Some(&json!({"terminate": true})))
                .status;
            assert!([200, 409].contains(&status), "{status}");
        }
        assert!(Instant::now() < deadline, "{left:?}");
    }
}

#[test]
fn what_is_told_of_each_job_is_each_of_its_changes_once_and_ends_with_what_its_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let mut watcher = EventWatcher::of(&server, "?types=job", None);
    let mut view = View::beginning_with(rows(&server));
    let every_second = "* * * * * *";
    let leader = schedule(&server, "leader", every_second, 0, &json!({"overlap": "ALLOW"}));
    let none = json!({});
    let mut schedules = vec![
        schedule(&server, "if it succeeds", "after leader succeeded", 0, &none),
        schedule(&server, "if it fails", "after leader failed", 0, &none),
        leader,
    ];
    for (name, overlap) in [
        ("buffers", "BUFFER_ONE"),
        ("cancels", "CANCEL_RUNNING"),
        ("terminates", "TERMINATE_RUNNING"),
        ("waits", "TERMINATE_RUNNING"),
    ] {
        schedules.push(schedule(
            &server,
            name,
            every_second,
            2,
            &json!({"overlap": overlap}),
        ));
    }
    // These wait for each other, and for a job that is called off.
    let later = job(&server, &json!({"runAfter": "2100-01-01T00:00:00Z"}));
    for condition in ["ALL_SUCCEEDED", "ANY_FAILED"] {
        let after = json!({"after": {"condition": condition, "jobIds": [later]}, "priority": "CRITICAL"});
        job(&server, &after);
    }
    post(&server, &format!("/jobs/{later}/cancel"), &json!({}));
    let deadline = Instant::now() + PATIENCE;
    let wanted = [
        ("BUFFERED", "QUEUED", 1),
        ("BLOCKED", "QUEUED", 1),
        ("BLOCKED", "CANCELLED", 1),
        ("PROCESSING", "CANCELLED", 1),
        ("", "BLOCKED", 3),
        // One is called off by hand, the others by later ticks of their schedules.
        ("", "CANCELLED", 2),
    ];
    while !wanted.iter().all(|(from, to, times)| view.saw(from, to, *times)) {
        // There is always something more important than what waits.
        for _ in 0..3 {
            job(&server, &json!({"input": {"seconds": 2}}));
        }
        let last = job(&server, &json!({"priority": "CRITICAL"}));
        view.follow(&mut watcher, &last);
        assert!(Instant::now() < deadline, "{:?}", view.seen);
    }
    wind_up(&server, &schedules);
    compare(&mut view, &mut watcher, &server);

    // What ran when the process died is back in the queue, and goes on from there.
    let long: Vec<_> = (0..5)
        .map(|_| job(&server, &json!({"input": {"seconds": 2}})))
        .collect();
    let deadline = Instant::now() + PATIENCE;
    while !rows(&server).values().any(|status| status == "PROCESSING") {
        assert!(Instant::now() < deadline, "nothing runs");
    }
    assert_eq!(server.kill().code, None);
    let server = start(folder.path());
    let mut watcher = EventWatcher::of(&server, "?types=job", None);
    let mut view = View::beginning_with(rows(&server));
    while !long.iter().all(|id| rows(&server)[id] == "COMPLETED") {
        assert!(Instant::now() < deadline, "they do not end");
    }
    compare(&mut view, &mut watcher, &server);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
