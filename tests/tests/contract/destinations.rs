//! Where results go.

use serde_json::{Value, json};

use crate::client::{get, patch, post, until};
use crate::made::{Made, job_until, path_of, text, unique, with};

fn webhook(more: &Value) -> Value {
    let webhook = with(json!({"url": "https://example.org/hook"}), more);
    json!({"destinationType": "webhook", "webhook": webhook})
}

fn file(more: &Value) -> Value {
    let file = with(json!({"path": format!("{}.json", unique("out"))}), more);
    json!({"destinationType": "filesystem", "filesystem": file})
}

fn stdio(more: &Value) -> Value {
    let stdio = with(json!({"stream": "stdout", "format": "JSON"}), more);
    json!({"destinationType": "stdio", "stdio": stdio})
}

/// That all that was given came back.
fn contains(answered: &Value, given: &Value) {
    match given {
        Value::Object(members) => {
            for (name, member) in members {
                contains(
                    answered
                        .get(name)
                        .unwrap_or_else(|| panic!("{name} is missing: {answered}")),
                    member,
                );
            }
        }
        given => assert_eq!(answered, given),
    }
}

#[test]
pub(crate) fn destinations_of_all_kinds_come_back_as_they_were_given() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let mut given = vec![
        json!({"destinationType": "webhook", "template": null, "webhook": {
            "url": "https://example.org/hook", "method": "POST", "timeoutSeconds": 30, "contentType": "application/json",
            "retryPolicy": {"maxAttempts": 3, "initialDelaySeconds": 1, "maxDelaySeconds": 5, "backoffMultiplier": 2.0},
        }}),
        json!({"destinationType": "filesystem", "filesystem": {
            "path": "out/x.json", "format": "JSON", "compression": "GZIP", "permissions": "644",
        }}),
        json!({"destinationType": "stdio", "stdio": {
            "stream": "stdout", "format": "JSON", "includeMetadata": false, "lineBuffered": true, "prefix": "[X] ",
        }}),
    ];
    given.extend(["JSON", "YAML", "CSV", "XML"].map(|format| file(&json!({"format": format}))));
    given.extend(["GZIP", "ZSTD"].map(|compression| file(&json!({"compression": compression}))));
    given.push(stdio(&json!({"stream": "stderr"})));
    given.extend(["GET", "POST", "PUT", "PATCH", "DELETE"].map(|method| webhook(&json!({"method": method}))));
    for given in given.chunks(10) {
        let destinations = json!({"outputDestinations": given});
        let schedule = made.schedule(&task, &destinations);
        let job = made.waiting_job(&task, &destinations);
        for thing in [&schedule, &job] {
            let answered = thing["outputDestinations"].as_array().unwrap();
            assert_eq!(answered.len(), given.len(), "{thing}");
            for (answered, given) in answered.iter().zip(given) {
                let mut given = given.clone();
                if let Some(stdio) = given.get_mut("stdio").and_then(Value::as_object_mut) {
                    // A line is always written whole: nothing is kept of it.
                    stdio.remove("lineBuffered");
                }
                if given["destinationType"] == "webhook" && given["webhook"].get("retryPolicy").is_some() {
                    for field in ["initialDelaySeconds", "maxDelaySeconds"] {
                        let seconds = given["webhook"]["retryPolicy"][field].as_f64().unwrap();
                        let answered = answered["webhook"]["retryPolicy"][field].as_f64();
                        assert_eq!(answered, Some(seconds), "{field}");
                    }
                    given["webhook"]["retryPolicy"] = json!({"maxAttempts": 3, "backoffMultiplier": 2.0});
                }
                if given["template"].is_null() {
                    // Null and left out are the same.
                    given.as_object_mut().unwrap().remove("template");
                }
                contains(answered, &given);
            }
        }
    }
}

#[test]
pub(crate) fn secrets_are_taken_and_come_back_masked() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let secret = unique("secret");
    let cases = [
        (
            json!({"authType": "bearer", "bearer": {"token": secret}}),
            "/bearer/token",
        ),
        (
            json!({"authType": "basic", "basic": {"username": "it", "password": secret}}),
            "/basic/password",
        ),
        (
            json!({"authType": "api_key", "apiKey": {"key": secret, "headerName": "X-Key"}}),
            "/apiKey/key",
        ),
    ];
    for (authentication, place) in cases {
        let destinations =
            json!({"outputDestinations": [webhook(&json!({"authentication": authentication}))]});
        let schedule = made.schedule(&task, &destinations);
        let job = made.waiting_job(&task, &destinations);
        let mut answers = vec![schedule.clone(), job.clone()];
        answers.push(get(&path_of("schedules", &schedule, "")).data());
        answers.push(get(&path_of("jobs", &job, "")).data());
        answers.extend(get(&format!("/schedules?taskId={}", text(&task["id"]))).rows());
        answers.extend(get(&format!("/jobs?taskId={}", text(&task["id"]))).rows());
        answers.push(
            patch(
                &path_of("schedules", &schedule, ""),
                &json!({"description": "changed"}),
            )
            .data(),
        );
        for answer in answers {
            assert!(
                !answer.to_string().contains(&secret),
                "a secret came back: {answer}"
            );
        }
        let shown = &schedule["outputDestinations"][0]["webhook"]["authentication"];
        assert_eq!(shown["authType"], authentication["authType"]);
        let mask = shown
            .pointer(place)
            .unwrap_or_else(|| panic!("{place} is missing: {shown}"));
        assert!(!text(mask).is_empty(), "{shown}");
        if let Some(user) = authentication.pointer("/basic/username") {
            assert_eq!(shown["basic"]["username"], *user);
        }
        if let Some(header) = authentication.pointer("/apiKey/headerName") {
            assert_eq!(shown["apiKey"]["headerName"], *header);
        }
    }
}

#[test]
pub(crate) fn each_bound_holds_and_its_own_values_are_allowed() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let policy = |attempts: u32, first: f64, longest: f64, multiplier: f64| {
        webhook(&json!({"retryPolicy": {
            "maxAttempts": attempts, "initialDelaySeconds": first, "maxDelaySeconds": longest,
            "backoffMultiplier": multiplier,
        }}))
    };
    let url = |length: usize| {
        let begin = "https://example.org/";
        webhook(&json!({"url": format!("{begin}{}", "a".repeat(length - begin.len()))}))
    };
    // No name of a folder is too long for a disk.
    let path = |length: usize| {
        file(&json!({"path": "abcdefghi/".repeat(length / 10 + 1)[..length - 1].to_owned() + "a"}))
    };
    let create = |destinations: &[Value]| {
        let job = json!({
            "taskId": task["id"], "input": {}, "runAfter": crate::made::FAR_OFF, "outputDestinations": destinations,
        });
        post("/jobs", &job)
    };
    let allowed = [
        url(2_048),
        webhook(&json!({"url": "http://example.org"})),
        webhook(&json!({"timeoutSeconds": 1})),
        webhook(&json!({"timeoutSeconds": 300})),
        policy(1, 1.0, 1.0, 1.0),
        policy(10, 1.0, 5.0, 10.0),
        path(4_096),
        file(&json!({"path": "a/b/c.json"})),
    ];
    for destination in allowed {
        create(&[destination]).expect(201);
    }
    let refused = [
        url(2_049),
        webhook(&json!({"url": "ftp://example.org/"})),
        webhook(&json!({"url": "file:///etc/passwd"})),
        webhook(&json!({"url": "nonsense"})),
        webhook(&json!({"url": ""})),
        webhook(&json!({"timeoutSeconds": 0})),
        webhook(&json!({"timeoutSeconds": 301})),
        policy(0, 1.0, 5.0, 2.0),
        policy(11, 1.0, 5.0, 2.0),
        policy(3, 5.1, 5.0, 2.0),
        policy(3, 1.0, 5.0, 0.9),
        policy(3, 1.0, 5.0, 10.1),
        path(4_097),
        file(&json!({"path": ""})),
        file(&json!({"path": "/etc/cron.d/x"})),
        file(&json!({"path": "../x.json"})),
        file(&json!({"path": "a/../../x.json"})),
        file(&json!({"permissions": "999"})),
    ];
    for destination in refused {
        let answer = create(std::slice::from_ref(&destination));
        assert!(answer.status == 400, "{destination}: {answer:?}");
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.contains("outputDestinations"), "{message}");
    }
    let of_another_kind = [
        json!({"destinationType": "pigeon", "pigeon": {}}),
        json!({"destinationType": "webhook"}),
        file(&json!({"format": "PNG"})),
        file(&json!({"compression": "RAR"})),
        webhook(&json!({"method": "BREW"})),
        webhook(&json!({"authentication": {"authType": "charm"}})),
        stdio(&json!({"stream": "stdnull"})),
    ];
    for destination in of_another_kind {
        let answer = create(std::slice::from_ref(&destination));
        assert!([400, 422].contains(&answer.status), "{destination}: {answer:?}");
        answer.any_error(answer.status);
    }
    let many = |count: usize| vec![stdio(&json!({})); count];
    create(&many(1)).expect(201);
    create(&many(10)).expect(201);
    for count in [0, 11] {
        create(&many(count)).error(400, "VALIDATION_ERROR");
    }
}

#[test]
pub(crate) fn a_result_is_delivered() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let destinations = [
        stdio(&json!({"includeMetadata": true})),
        stdio(&json!({"stream": "stderr", "format": "YAML"})),
    ];
    let job = job_until(
        &made.job(&task, &json!({"outputDestinations": destinations})),
        "COMPLETED",
    );
    let list = path_of("jobs", &job, "/deliveries?status=DELIVERED");
    until("both are delivered", || {
        (get(&list).expect(200).total() == 2).then_some(())
    });
}
