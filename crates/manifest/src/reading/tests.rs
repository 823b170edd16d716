use serde_json::json;

use super::*;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        form: Form::of_name(name).unwrap(),
        text: text.to_owned(),
    }
}

fn environment(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cret".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn mistakes(sources: &[Source]) -> Vec<String> {
    read(sources, environment)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

const TOML: &str = r#"
[schedules.nightly]
task = "import@1.2.0"
cron = "30 2 * * *"
timezone = "Europe/Berlin"
description = "What nights are for"
input = { size = 1 }
policies = { overlap = "skip", graceSeconds = 5 }
maxRetries = 3

[[schedules.nightly.outputs]]
destinationType = "webhook"
[schedules.nightly.outputs.webhook]
url = "https://example.org"
headers = { env = "production", X-Token = { env = "TOKEN" } }
authentication = { authType = "bearer", bearer = { token = { env = "TOKEN" } } }

[schedules.report]
task = "report"
after = "nightly succeeded"
"#;

const YAML: &str = r#"
schedules:
  nightly:
    task: import@1.2.0
    cron: 30 2 * * *
    timezone: Europe/Berlin
    description: What nights are for
    input: {size: 1}
    policies: {overlap: skip, graceSeconds: 5}
    maxRetries: 3
    outputs:
      - destinationType: webhook
        webhook:
          url: https://example.org
          headers: {env: production, X-Token: {env: TOKEN}}
          authentication: {authType: bearer, bearer: {token: {env: TOKEN}}}
  report:
    task: report
    after: nightly succeeded
"#;

#[test]
fn both_languages_say_the_same_in_the_words_of_the_api() {
    let expected = json!([
        {
            "name": "nightly", "task": "import@1.2.0", "cronExpression": "30 2 * * *",
            "timezone": "Europe/Berlin", "description": "What nights are for", "input": {"size": 1},
            "policies": {"overlap": "skip", "graceSeconds": 5}, "maxRetries": 3,
            "outputDestinations": [{"destinationType": "webhook", "webhook": {
                "url": "https://example.org", "headers": {"env": "production", "X-Token": "s3cret"},
                "authentication": {"authType": "bearer", "bearer": {"token": "s3cret"}},
            }}],
        },
        {"name": "report", "task": "report", "cronExpression": "after nightly succeeded"},
    ]);
    for source in [source("a.toml", TOML), source("a.yml", YAML)] {
        let schedules = read(std::slice::from_ref(&source), environment).unwrap();
        assert_eq!(Value::Array(schedules), expected, "{}", source.name);
    }
}

#[test]
fn all_mistakes_of_all_files_are_told_with_file_schedule_and_field() {
    let one = source(
        "one.yaml",
        "version: 3\n\
         schedules:\n  \
           a: {task: x, cron: '@daily', max_retries: 3, policies: {overlapp: skip}}\n  \
           b: {cron: '@daily', every: 5m}\n  \
           c: {task: x}\n  \
           d: {task: x, every: 5}\n  \
           e: 7\n",
    );
    let other = source(
        "other.toml",
        "[schedules.a]\ntask = 'x'\nevery = '5m'\n\
         [schedules.f]\ntask = 'x'\nevery = '5m'\n\
         outputs = [{ destinationType = 'webhook', webhook = { ulr = 'x', signingSecret = { env = 'NOBODY' } } }, \
         { destinationType = 'stdio', stdio = { prefix = { env = 'EMPTY' } } }]\n",
    );
    assert_eq!(
        mistakes(&[one, other]),
        [
            "one.yaml: version: there is no such field: there are schedules",
            "one.yaml: schedule \"a\": max_retries: there is no such field: did you mean maxRetries?",
            "one.yaml: schedule \"a\": policies.overlapp: there is no such field: did you mean overlap?",
            "one.yaml: schedule \"b\": task: it is missing: a name, or name@version",
            "one.yaml: schedule \"b\": cron: one of cron, every and after says when it fires, and there are cron, every",
            "one.yaml: schedule \"c\": cron: one of cron, every and after says when it fires, and none is there",
            "one.yaml: schedule \"d\": every: 5 is no text: put it into quotation marks",
            "one.yaml: schedule \"e\": it is no table of fields",
            "other.toml: schedule \"a\": it is in one.yaml as well",
            "other.toml: schedule \"f\": outputs[0].webhook.signingSecret: the environment variable NOBODY is not set",
            "other.toml: schedule \"f\": outputs[0].webhook.ulr: there is no such field: did you mean url?",
            "other.toml: schedule \"f\": outputs[1].stdio.prefix: the environment variable EMPTY is empty",
        ]
    );
}

#[test]
fn a_text_that_is_not_in_its_language_is_told_with_its_place() {
    for (name, text, words) in [
        ("a.toml", "[schedules", "line 1"),
        ("a.yaml", "schedules: [", "a.yaml: "),
        (
            "a.toml",
            "[schedules.a]\ninput = { day = 2026-01-01 }",
            "schedules.a.input.day: 2026-01-01",
        ),
        ("a.yaml", "- 7", "it is no table"),
        ("a.yaml", "schedules: [7]", "schedules: it is no table"),
    ] {
        let told = mistakes(&[source(name, text)]);
        assert!(told[0].contains(words), "{told:?}");
    }
}

#[test]
fn a_file_without_schedules_has_none() {
    for text in ["", "schedules:\n", "schedules: {}"] {
        assert_eq!(
            read(&[source("a.yaml", text)], environment).unwrap(),
            Vec::<Value>::new()
        );
    }
    assert_eq!(
        read(&[source("a.toml", "")], environment).unwrap(),
        Vec::<Value>::new()
    );
}
