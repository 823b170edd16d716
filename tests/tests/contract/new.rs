//! What is new: instants before they come, the ledger, backfill, and keys of requests. Tags are tested with what has them.

use serde_json::{Value, json};

use crate::client::{act, get, has, post, send, send_json, under};
use crate::envelopes::{are_instants, is_instant};
use crate::made::{FAR, FAR_OFF, Made, job_until, path_of, text, unique};

#[test]
pub(crate) fn instants_are_previewed_with_a_note_where_daylight_saving_moves_one() {
    let preview = |expression: &str, from: &str, count: u32| {
        let asked =
            json!({"cronExpression": expression, "timezone": "Europe/Berlin", "from": from, "count": count});
        post("/schedules/preview", &asked).data()
    };
    let forward = preview("30 2 * * *", "2026-03-27T12:00:00Z", 3);
    let instants = forward["instants"].as_array().unwrap();
    assert_eq!(instants.len(), 3);
    for instant in instants {
        has(instant, "utc local note");
        is_instant(&instant["utc"]);
    }
    assert_eq!(
        (&instants[0]["utc"], &instants[0]["note"]),
        (&json!("2026-03-28T01:30:00Z"), &Value::Null)
    );
    assert_eq!(instants[0]["local"], "2026-03-28T02:30:00+01:00");
    assert!(text(&instants[1]["note"]).contains("02:30"), "{forward}");
    assert_eq!(
        (&instants[2]["utc"], &instants[2]["note"]),
        (&json!("2026-03-30T00:30:00Z"), &Value::Null)
    );

    let back = preview("30 2 * * *", "2026-10-24T12:00:00Z", 2);
    assert!(back["instants"][0]["note"].is_string(), "{back}");
    assert_eq!(back["instants"][1]["note"], Value::Null);

    let in_utc = post("/schedules/preview", &json!({"cronExpression": "0 * * * *"})).data();
    let instants = in_utc["instants"].as_array().unwrap();
    assert!(!instants.is_empty());
    for pair in instants.windows(2) {
        assert!(text(&pair[0]["utc"]) < text(&pair[1]["utc"]), "{in_utc}");
    }
    for wrong in [
        json!({"cronExpression": "99 * * * *"}),
        json!({"cronExpression": "* * * * *", "timezone": "Mars/Base"}),
        json!({"cronExpression": "* * * * *", "count": 0}),
    ] {
        post("/schedules/preview", &wrong).error(400, "VALIDATION_ERROR");
    }
}

#[test]
pub(crate) fn a_schedule_tells_its_next_instants() {
    let made = Made::nothing();
    let zone = json!({"cronExpression": "30 2 * * *", "timezone": "Europe/Berlin", "enabled": false});
    let schedule = made.schedule(&made.task(&json!({})), &zone);
    let next = |query: &str| get(&path_of("schedules", &schedule, &format!("/next{query}")));
    let around = next("?count=2&from=2026-03-28T12:00:00Z").data();
    let instants = around["instants"].as_array().unwrap();
    assert_eq!(instants.len(), 2);
    assert!(text(&instants[0]["note"]).contains("02:30"), "{around}");
    assert_eq!(instants[1]["local"], "2026-03-30T02:30:00+02:00");
    assert!(!next("").data()["instants"].as_array().unwrap().is_empty());
    for wrong in ["?count=0", "?count=many", "?from=yesterday", "?colour=red"] {
        next(wrong).any_error(400);
    }
}

#[test]
pub(crate) fn the_ticks_to_come_of_all_schedules_are_forecast() {
    let made = Made::nothing();
    let each_minute = json!({"cronExpression": "* * * * *"});
    let schedule = made.schedule(&made.task(&json!({})), &each_minute);
    // Others may fire each second: all together they must fit into an answer.
    let minutes = "from=2030-03-01T00:00:00Z&to=2030-03-01T00:10:00Z";
    let forecast = |query: &str| get(&format!("/forecast?{minutes}{query}"));
    let of = |forecast: &Value, name: &Value| {
        let ticks = forecast["ticks"].as_array().unwrap().iter();
        ticks
            .filter(|tick| tick["name"] == *name)
            .cloned()
            .collect::<Vec<_>>()
    };

    let all = forecast("&limit=10000").data();
    has(&all, "from to ticks next buckets busiest");
    let ticks = of(&all, &schedule["name"]);
    assert_eq!(ticks.len(), 10, "{ticks:?}");
    for tick in &ticks {
        has(tick, "dueAt scheduledFor scheduleId name");
        assert_eq!(tick["scheduleId"], schedule["id"]);
        are_instants(tick, "dueAt scheduledFor");
    }
    let one = forecast("&limit=1").data();
    assert_eq!(one["ticks"].as_array().unwrap().len(), 1);
    is_instant(&one["next"]);

    let count = |query: &str| {
        let counted = forecast(&format!("&bucketSeconds=300{query}")).data();
        let buckets = counted["buckets"].as_array().unwrap();
        assert_eq!(buckets.len(), 2, "{counted}");
        buckets
            .iter()
            .map(|bucket| bucket["ticks"].as_u64().unwrap())
            .sum::<u64>()
    };
    let name = text(&schedule["name"]);
    assert!(count("") >= 10);
    assert!(count(&format!("&whatIf={name}=* * * * * *").replace(' ', "%20")) >= 600);
    // Without it, none of its own is left.
    let without = forecast(&format!("&limit=10000&without={name}")).data();
    assert!(of(&without, &schedule["name"]).is_empty());
    let busiest = forecast("&busiest=3").data();
    assert_eq!(busiest["busiest"].as_array().unwrap().len(), 3, "{busiest}");
    for wrong in [
        "&limit=0",
        "&busiest=many",
        "&bucketSeconds=0",
        "&without=nobody%20has%20this%20name",
        "&whatIf=a=99%20*%20*%20*%20*",
        "&colour=red",
    ] {
        forecast(wrong).any_error(400);
    }
}

#[test]
pub(crate) fn the_ledger_has_every_tick_and_what_became_of_it() {
    let made = Made::nothing();
    let schedule = made.schedule(&made.task(&json!({})), &json!({"cronExpression": "* * * * * *"}));
    let path = path_of("schedules", &schedule, "/ticks");
    let triggered = act(&path_of("schedules", &schedule, "/trigger")).data()["job"].take();
    let own = until_two_ticks(&format!("{path}?byHand=false"));
    for tick in &own {
        has(tick, "scheduleId scheduledFor outcome reason jobId decidedAt");
        assert_eq!(tick["scheduleId"], schedule["id"]);
        are_instants(tick, "scheduledFor decidedAt");
        text(&tick["outcome"]);
    }
    let by_hand = get(&format!("{path}?byHand=true")).rows();
    assert_eq!((by_hand.len(), &by_hand[0]["jobId"]), (1, &triggered["id"]));
}

fn until_two_ticks(path: &str) -> Vec<Value> {
    crate::client::until("two ticks are in the ledger", || {
        let rows = get(path).rows();
        (rows.len() >= 2).then_some(rows)
    })
}

#[test]
pub(crate) fn past_ticks_are_made_up_for() {
    let made = Made::nothing();
    let schedule = made.schedule(
        &made.task(&json!({})),
        &json!({"cronExpression": "0 0 * * *", "enabled": false, "policies": {"overlap": "ALLOW"}}),
    );
    let path = path_of("schedules", &schedule, "/backfill");
    let range = json!({"from": "2024-02-27T00:00:00Z", "to": "2024-03-02T00:00:00Z"});
    let report = post(&path, &range).data();
    assert_eq!(report["jobs"], 4, "{report}");
    let jobs = format!("/jobs?scheduleId={}", text(&schedule["id"]));
    let found = get(&format!("{jobs}&_sort=scheduledFor")).rows();
    let days: Vec<String> = found.iter().map(|job| text(&job["scheduledFor"])).collect();
    let expected = ["02-27", "02-28", "02-29", "03-01"].map(|day| format!("2024-{day}T00:00:00Z"));
    assert_eq!(days, expected);
    for job in &found {
        job_until(job, "COMPLETED");
    }
    assert_eq!(
        post(&path, &range).data()["jobs"],
        0,
        "they have been made up for"
    );
    for wrong in [
        json!({"from": "2024-03-02T00:00:00Z", "to": "2024-02-27T00:00:00Z"}),
        json!({"from": "2024-03-02T00:00:00Z", "to": FAR_OFF}),
    ] {
        post(&path, &wrong).error(400, "VALIDATION_ERROR");
    }
}

#[test]
pub(crate) fn a_post_with_a_key_is_done_once() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(&task, &json!({}));
    let bodies = [
        (
            "/tasks".to_owned(),
            json!({"name": unique("task"), "version": "1.0.0"}),
        ),
        (
            "/schedules".to_owned(),
            json!({"name": unique("schedule"), "taskId": task["id"], "cronExpression": FAR}),
        ),
        (
            "/jobs".to_owned(),
            json!({"taskId": task["id"], "input": {}, "runAfter": FAR_OFF}),
        ),
        (
            "/executions".to_owned(),
            json!({"taskId": task["id"], "input": {}}),
        ),
        (
            path_of("schedules", &schedule, "/trigger"),
            json!({"input": {"a": 1}}),
        ),
        (path_of("schedules", &schedule, "/disable"), json!({})),
    ];
    for (path, body) in &bodies {
        let key = unique("key");
        let headers = [("idempotency-key", &*key)];
        let first = send_json("POST", path, &headers, body);
        assert!(matches!(first.status, 200 | 201), "{first:?}");
        match path.as_str() {
            "/tasks" => made.will_delete_task(&first.body["data"]),
            "/schedules" => made.will_delete_schedule(&first.body["data"]),
            _ => {}
        }
        let again = send_json("POST", path, &headers, body);
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        assert_eq!(
            again.headers.get("location"),
            first.headers.get("location"),
            "{path}"
        );
        let other = crate::made::with(body.clone(), &json!({"more": 1}));
        send_json("POST", path, &headers, &other).any_error(422);
    }
    // Without a key, each is done.
    let jobs = format!("/jobs?scheduleId={}", text(&schedule["id"]));
    assert_eq!(get(&jobs).expect(200).total(), 1);
    act(&path_of("schedules", &schedule, "/trigger")).expect(200);
    assert_eq!(get(&jobs).expect(200).total(), 2);

    let too_long = "k".repeat(300);
    let headers = [("idempotency-key", &*too_long)];
    send(
        "POST",
        &under(&path_of("schedules", &schedule, "/enable")),
        &headers,
        None,
    )
    .any_error(400);
}
