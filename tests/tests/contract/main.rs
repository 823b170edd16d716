//! The contract of the HTTP API, row by row: whoever keeps it passes.
//!
//! These tests speak HTTP and nothing else. They start one `ratchet serve` in a folder of its own for all of them; with
//! `RATCHET_CONTRACT_URL=http://127.0.0.1:8080`, and `RATCHET_CONTRACT_TOKEN` with a token of the scope `admin` if it
//! takes tokens, they ask another server instead:
//!
//! ```sh
//! RATCHET_CONTRACT_URL=http://127.0.0.1:8080 cargo test -p ratchet-tests --test contract
//! ```
//!
//! That server may hold anything and do anything meanwhile, and limits nobody to fewer requests than the tests send. What
//! they make has names that nobody else has, and is deleted when a test has passed. [`CONTRACT`] says which test is for what.

mod client;
mod destinations;
mod document;
mod documents;
mod envelopes;
mod errors;
mod executions;
mod health;
mod jobs;
mod lists;
mod made;
mod new;
mod repaired;
mod schedules;
mod server;
mod tasks;
mod workers;

/// A row of the contract, and the tests of it.
struct Row {
    /// A route, as in `GET /tasks`, or a sentence.
    row: &'static str,
    tests: &'static [fn()],
}

const fn row(row: &'static str, tests: &'static [fn()]) -> Row {
    Row { row, tests }
}

/// All that the contract says, in its order. Lists are tested by `lists` besides, and each route by `errors`.
const CONTRACT: &[Row] = &[
    row(
        "Envelopes: one",
        &[
            envelopes::one_thing_is_data,
            envelopes::ids_are_texts_and_times_are_in_utc,
        ],
    ),
    row(
        "Envelopes: many",
        &[envelopes::many_things_are_data_and_say_where_their_page_lies],
    ),
    row(
        "Envelopes: statistics",
        &[envelopes::numbers_are_stats_of_a_period],
    ),
    row("Envelopes: action", &[envelopes::an_action_says_that_it_was_done]),
    row(
        "Errors: BAD_REQUEST, 415",
        &[errors::what_is_no_json_is_a_bad_request_and_what_is_not_sent_as_json_is_of_no_use],
    ),
    row(
        "Errors: VALIDATION_ERROR",
        &[errors::a_value_that_is_not_allowed_is_a_bad_request_that_names_the_field],
    ),
    row(
        "Errors: 422",
        &[errors::a_missing_or_mistyped_field_is_unprocessable_and_named],
    ),
    row(
        "Errors: UNAUTHORIZED",
        &[errors::a_token_that_nobody_was_given_is_unauthorized],
    ),
    row(
        "Errors: FORBIDDEN",
        &[errors::a_token_of_too_small_a_scope_is_forbidden],
    ),
    row(
        "Errors: NOT_FOUND",
        &[
            errors::what_does_not_exist_is_not_found_whatever_is_asked_of_it,
            errors::an_unknown_route_is_not_found_in_the_envelope,
        ],
    ),
    row(
        "Errors: 405",
        &[errors::an_unknown_method_is_refused_in_the_envelope],
    ),
    row(
        "Errors: CONFLICT",
        &[errors::what_does_not_go_with_what_is_there_is_a_conflict],
    ),
    row("Errors: 413", &[errors::a_body_that_is_too_large_is_refused]),
    row(
        "Lists: pages",
        &[
            lists::a_page_has_its_rows_and_start_and_end_win_over_page_and_limit,
            lists::a_page_has_25_rows_unless_it_is_asked_for_more,
            lists::every_list_refuses_a_page_that_there_cannot_be,
        ],
    ),
    row(
        "Lists: X-Total-Count, Content-Range",
        &[lists::headers_tell_the_total_and_the_range],
    ),
    row(
        "Lists: _sort, _order",
        &[
            lists::every_sort_key_of_the_document_sorts_both_ways,
            lists::the_direction_is_in_any_case_and_a_sort_key_in_camel_or_snake_case,
        ],
    ),
    row(
        "Lists: filters",
        &[
            lists::every_filter_of_the_document_leaves_the_rows_that_it_says,
            lists::a_filter_is_understood_in_snake_case_and_an_enumeration_in_any_case,
            lists::a_value_that_a_filter_cannot_have_is_refused,
            lists::every_name_of_the_enumerations_of_the_contract_is_a_filter,
            lists::pending_executions_can_be_asked_for,
        ],
    ),
    row(
        "Lists: an unknown value is a 400",
        &[lists::every_list_refuses_what_it_does_not_know],
    ),
    row(
        "Lists: bodies",
        &[
            lists::unknown_fields_of_a_body_are_ignored,
            lists::enumerations_of_a_body_are_read_in_any_case_and_written_in_upper_case,
        ],
    ),
    row(
        "GET /tasks",
        &[tasks::a_task_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "POST /tasks",
        &[
            tasks::a_task_is_created_with_all_that_is_given_and_shown_with_every_field,
            tasks::a_task_needs_a_name_and_a_version_only_and_its_code_may_be_called_code,
            tasks::a_task_without_code_shows_so_and_its_jobs_fail_with_that_reason,
        ],
    ),
    row(
        "GET /tasks/{id}",
        &[tasks::a_task_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "PATCH /tasks/{id}",
        &[
            tasks::a_task_is_changed_in_what_is_given_and_null_takes_away_what_may_be_absent,
            tasks::a_task_has_a_tag_and_a_change_of_a_stale_one_is_refused,
        ],
    ),
    row(
        "DELETE /tasks/{id}",
        &[tasks::a_task_is_deleted_with_204_and_nothing_else],
    ),
    row(
        "POST /tasks/{id}/enable",
        &[tasks::a_task_is_disabled_and_enabled],
    ),
    row(
        "POST /tasks/{id}/disable",
        &[tasks::a_task_is_disabled_and_enabled],
    ),
    row("GET /tasks/stats", &[tasks::tasks_are_counted_and_synchronized]),
    row("POST /tasks/sync", &[tasks::tasks_are_counted_and_synchronized]),
    row(
        "GET /schedules",
        &[
            schedules::a_schedule_is_created_with_all_that_is_given_and_shown_with_every_field,
            repaired::disabled_schedules_are_listed_and_the_total_is_theirs_too,
        ],
    ),
    row(
        "POST /schedules",
        &[schedules::a_schedule_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "GET /schedules/{id}",
        &[schedules::a_schedule_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "PATCH /schedules/{id}",
        &[
            schedules::a_schedule_is_changed_in_what_is_given_and_its_next_run_with_it,
            schedules::a_schedule_has_a_tag_and_a_change_of_a_stale_one_is_refused,
        ],
    ),
    row(
        "DELETE /schedules/{id}",
        &[schedules::a_schedule_is_deleted_with_200_and_its_jobs_stay],
    ),
    row(
        "POST /schedules/{id}/enable",
        &[schedules::a_schedule_is_disabled_and_enabled_and_has_a_next_run_while_it_is],
    ),
    row(
        "POST /schedules/{id}/disable",
        &[schedules::a_schedule_is_disabled_and_enabled_and_has_a_next_run_while_it_is],
    ),
    row(
        "POST /schedules/{id}/trigger",
        &[schedules::a_schedule_is_triggered_with_its_own_input_or_another],
    ),
    row("GET /schedules/stats", &[schedules::schedules_are_counted]),
    row(
        "GET /jobs",
        &[jobs::a_job_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "POST /jobs",
        &[
            jobs::a_job_is_created_with_all_that_is_given_and_shown_with_every_field,
            jobs::a_job_runs_and_shows_why_it_failed_if_it_did,
        ],
    ),
    row(
        "GET /jobs/{id}",
        &[jobs::a_job_is_created_with_all_that_is_given_and_shown_with_every_field],
    ),
    row(
        "PATCH /jobs/{id}",
        &[jobs::a_waiting_job_is_changed_in_what_is_given],
    ),
    row(
        "DELETE /jobs/{id}",
        &[jobs::a_job_that_has_ended_is_deleted_with_200],
    ),
    row(
        "POST /jobs/{id}/cancel",
        &[jobs::a_waiting_job_is_cancelled_and_a_running_one_is_too],
    ),
    row(
        "POST /jobs/{id}/retry",
        &[jobs::a_job_that_failed_or_was_cancelled_is_put_back],
    ),
    row("GET /jobs/stats", &[jobs::jobs_are_counted]),
    row(
        "GET /executions",
        &[executions::an_execution_is_created_and_shown_with_every_field],
    ),
    row(
        "POST /executions",
        &[executions::an_execution_is_created_and_shown_with_every_field],
    ),
    row(
        "GET /executions/{id}",
        &[executions::an_execution_is_created_and_shown_with_every_field],
    ),
    row(
        "PATCH /executions/{id}",
        &[
            executions::a_running_execution_is_cancelled_and_recorded_as_cancelled,
            executions::an_execution_that_has_ended_is_not_changed_and_is_deleted,
        ],
    ),
    row(
        "DELETE /executions/{id}",
        &[executions::an_execution_that_has_ended_is_not_changed_and_is_deleted],
    ),
    row(
        "POST /executions/{id}/cancel",
        &[executions::a_running_execution_is_cancelled_and_recorded_as_cancelled],
    ),
    row(
        "POST /executions/{id}/retry",
        &[executions::an_execution_that_failed_shows_why_and_is_retried],
    ),
    row(
        "GET /executions/{id}/logs",
        &[executions::an_execution_has_the_lines_that_its_task_printed],
    ),
    row("GET /executions/stats", &[executions::executions_are_counted]),
    row(
        "GET /workers",
        &[workers::a_worker_shows_the_job_that_runs_and_no_longer_once_it_has_ended],
    ),
    row(
        "GET /workers/stats",
        &[workers::workers_are_counted_with_what_they_do],
    ),
    row(
        "Output destinations",
        &[
            destinations::destinations_of_all_kinds_come_back_as_they_were_given,
            destinations::secrets_are_taken_and_come_back_masked,
            destinations::each_bound_holds_and_its_own_values_are_allowed,
            destinations::a_result_is_delivered,
        ],
    ),
    row("GET /health", &[health::health_is_told_in_short]),
    row("GET /health/detailed", &[health::health_is_told_in_detail]),
    row("GET /ready", &[health::a_server_that_answers_is_live_and_ready]),
    row("GET /live", &[health::a_server_that_answers_is_live_and_ready]),
    row(
        "GET /metrics",
        &[documents::metrics_are_those_of_what_really_happens],
    ),
    row(
        "GET /metrics/prometheus",
        &[documents::metrics_are_those_of_what_really_happens],
    ),
    row(
        "Documents: /api-docs/openapi.json",
        &[
            documents::the_document_of_the_api_is_complete,
            documents::an_example_has_the_fields_that_an_answer_has,
        ],
    ),
    row(
        "Documents: /docs",
        &[documents::the_page_of_the_document_has_its_title],
    ),
    row(
        "Repaired: only enabled schedules, a total of 0",
        &[repaired::disabled_schedules_are_listed_and_the_total_is_theirs_too],
    ),
    row(
        "Repaired: filters and sort keys",
        &[
            lists::every_filter_of_the_document_leaves_the_rows_that_it_says,
            lists::every_sort_key_of_the_document_sorts_both_ways,
        ],
    ),
    row(
        "Repaired: the input was thrown away",
        &[repaired::the_input_of_a_job_and_of_a_trigger_reaches_the_task],
    ),
    row(
        "Repaired: 500 for a missing id",
        &[repaired::a_missing_id_is_not_found_and_no_failure_of_the_server],
    ),
    row(
        "Repaired: stdio, and words",
        &[repaired::results_go_to_standard_output_and_any_word_may_stand_in_a_text],
    ),
    row(
        "Repaired: five fields, two dialects",
        &[
            repaired::an_expression_of_five_fields_fires_by_the_dialect_that_it_was_checked_by,
            repaired::a_schedule_fires_when_it_says_and_its_job_runs,
        ],
    ),
    row(
        "Repaired: made-up workers, logs and metrics",
        &[
            workers::a_worker_shows_the_job_that_runs_and_no_longer_once_it_has_ended,
            executions::an_execution_has_the_lines_that_its_task_printed,
            documents::metrics_are_those_of_what_really_happens,
        ],
    ),
    row(
        "Repaired: a cancelled execution failed",
        &[repaired::a_cancelled_execution_is_recorded_as_cancelled],
    ),
    row(
        "Repaired: a disabled schedule is triggered",
        &[repaired::a_disabled_schedule_is_triggered_by_hand],
    ),
    row(
        "POST /schedules/preview",
        &[new::instants_are_previewed_with_a_note_where_daylight_saving_moves_one],
    ),
    row(
        "GET /schedules/{id}/next",
        &[new::a_schedule_tells_its_next_instants],
    ),
    row(
        "GET /forecast",
        &[new::the_ticks_to_come_of_all_schedules_are_forecast],
    ),
    row(
        "GET /schedules/{id}/ticks",
        &[new::the_ledger_has_every_tick_and_what_became_of_it],
    ),
    row(
        "POST /schedules/{id}/backfill",
        &[new::past_ticks_are_made_up_for],
    ),
    row(
        "New: Idempotency-Key",
        &[
            new::a_post_with_a_key_is_done_once,
            documents::the_document_has_a_key_for_every_post,
        ],
    ),
    row(
        "New: ETag and If-Match",
        &[
            schedules::a_schedule_has_a_tag_and_a_change_of_a_stale_one_is_refused,
            tasks::a_task_has_a_tag_and_a_change_of_a_stale_one_is_refused,
        ],
    ),
    // Tokens: `http_security` starts servers of its own for them.
];

#[test]
fn every_row_has_a_test_and_every_route_stands_in_the_document() {
    let known: Vec<String> = document::operations()
        .iter()
        .map(|operation| {
            format!(
                "{} {}",
                operation.method,
                operation.path.trim_start_matches("/api/v1")
            )
        })
        .collect();
    for Row { row, tests } in CONTRACT {
        assert!(!tests.is_empty(), "{row} has no test");
        let is_route = document::METHODS
            .iter()
            .any(|method| row.starts_with(&format!("{method} /")));
        assert!(
            !is_route || known.iter().any(|known| known == row),
            "{row} does not stand in the document"
        );
    }
}
