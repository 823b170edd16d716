use ratchet_interfaces::{
    ExecutionId, ExecutionLogLine, LogCondition, LogFilter, LogLevel, NodeId, RepositoryError,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::paging::{assert_filters, assert_list, bounds, text_is_met, texts};
use crate::sample::{HOSTILE, at, claimed_jobs, everything, page};

fn line(execution_id: ExecutionId, seq: u32, message: &str) -> ExecutionLogLine {
    ExecutionLogLine {
        execution_id,
        seq,
        at: at(seq.into()),
        level: LogLevel::Info,
        message: message.to_owned(),
    }
}

#[tokio::test]
async fn the_pages_of_a_log_have_every_line_once_in_their_order() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let (one, other) = (claimed[0].execution_id, claimed[1].execution_id);
        let long = "x\"\\\u{1}".repeat(50_000);
        let texts: Vec<&str> = HOSTILE.iter().copied().chain([long.as_str()]).collect();
        let lines: Vec<_> = (0..)
            .zip(&texts)
            .map(|(seq, text)| line(one, seq, text))
            .collect();
        let executions = repositories.executions();
        // Last first, with gaps, and with lines of another execution between them.
        let (early, late) = lines.split_at(texts.len() / 2);
        let mut call = late.to_vec();
        call.push(line(other, 0, "of another"));
        call.reverse();
        executions.execution_tell(&call, &[]).await.unwrap();
        executions.execution_tell(early, &[]).await.unwrap();
        let last = ExecutionLogLine {
            level: LogLevel::Error,
            ..line(one, u32::MAX, "after a gap")
        };
        executions
            .execution_tell(std::slice::from_ref(&last), &[])
            .await
            .unwrap();

        let mut expected = lines;
        expected.push(last);
        assert_list(&expected, async |page| {
            executions
                .execution_log_list(one, &LogFilter::default(), page)
                .await
                .unwrap()
        })
        .await;
        let of_other = executions
            .execution_log_list(other, &LogFilter::default(), everything())
            .await
            .unwrap();
        assert_eq!(of_other.items, [line(other, 0, "of another")]);
        let of_none = executions
            .execution_log_list(ExecutionId::new(), &LogFilter::default(), everything())
            .await
            .unwrap();
        assert_eq!((of_none.items, of_none.total), (Vec::new(), 0));
    })
    .await;
}

#[tokio::test]
async fn a_nul_in_a_line_does_not_refuse_it() {
    on_each_database(async |repositories| {
        let execution = claimed_jobs(&*repositories, NodeId::new(), 1).await[0].execution_id;
        let executions = repositories.executions();
        executions
            .execution_tell(&[line(execution, 0, "before\0after")], &[])
            .await
            .unwrap();
        let log = executions
            .execution_log_list(execution, &LogFilter::default(), everything())
            .await
            .unwrap();
        assert_eq!(log.items, [line(execution, 0, "before\u{fffd}after")]);
    })
    .await;
}

#[tokio::test]
async fn thousands_of_lines_are_added_in_one_call() {
    on_each_database(async |repositories| {
        let execution = claimed_jobs(&*repositories, NodeId::new(), 1).await[0].execution_id;
        let lines: Vec<_> = (0..5_000).map(|seq| line(execution, seq, "again")).collect();
        let executions = repositories.executions();
        executions.execution_tell(&lines, &[]).await.unwrap();
        let end = executions
            .execution_log_list(execution, &LogFilter::default(), page(4_990, 100))
            .await
            .unwrap();
        assert_eq!((end.items.as_slice(), end.total), (&lines[4_990..], 5_000));
        executions.execution_tell(&[], &[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn one_refused_line_keeps_its_whole_call_out() {
    on_each_database(async |repositories| {
        let execution = claimed_jobs(&*repositories, NodeId::new(), 1).await[0].execution_id;
        let executions = repositories.executions();
        let first = line(execution, 0, "first");
        executions
            .execution_tell(std::slice::from_ref(&first), &[])
            .await
            .unwrap();
        // More than go into one statement, so that the first statement has succeeded when the last one fails.
        let good: Vec<_> = (1..2_500).map(|seq| line(execution, seq, "good")).collect();
        let mut taken = good.clone();
        taken.push(line(execution, 0, "the second of the two"));
        assert_refused!(
            executions.execution_tell(&taken, &[]).await,
            RepositoryError::AlreadyExists { field: "seq", .. }
        );
        let log = executions
            .execution_log_list(execution, &LogFilter::default(), everything())
            .await
            .unwrap();
        assert_eq!(log.items, [first]);
        executions.execution_tell(&good, &[]).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_several_executions_grow_at_the_same_time() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 6).await;
        at_once(&claimed, |claimed| {
            let (executions, id) = (repositories.executions(), claimed.execution_id);
            async move {
                for seq in 0..5 {
                    executions
                        .execution_tell(&[line(id, seq, "again")], &[])
                        .await
                        .unwrap();
                }
            }
        })
        .await;
        for claimed in claimed {
            let log = repositories
                .executions()
                .execution_log_list(claimed.execution_id, &LogFilter::default(), everything())
                .await
                .unwrap();
            let seqs: Vec<u32> = log.items.iter().map(|line| line.seq).collect();
            assert_eq!(seqs, [0, 1, 2, 3, 4]);
        }
    })
    .await;
}

/// What the documentation of the condition says.
fn matches(condition: &LogCondition, line: &ExecutionLogLine) -> bool {
    match condition {
        LogCondition::Seq(bound) => bound.is_met_by(Some(&line.seq.into())),
        LogCondition::At(bound) => bound.is_met_by(Some(&line.at)),
        LogCondition::Level(bound) => bound.is_met_by(Some(&line.level)),
        LogCondition::Message(text) => text_is_met(text, Some(&line.message)),
    }
}

#[tokio::test]
async fn each_condition_leaves_the_lines_that_meet_it() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let (one, other) = (claimed[0].execution_id, claimed[1].execution_id);
        let lines: Vec<ExecutionLogLine> = (0..8)
            .map(|seq| ExecutionLogLine {
                level: LogLevel::ALL[seq as usize % LogLevel::ALL.len()],
                ..line(one, seq, &format!("Step_{seq} of 100%"))
            })
            .collect();
        let executions = repositories.executions();
        executions.execution_tell(&lines, &[]).await.unwrap();
        executions
            .execution_tell(&[line(other, 0, "Step_0")], &[])
            .await
            .unwrap();
        let mut conditions = Vec::new();
        conditions.extend(bounds(&[0, 3, 7]).into_iter().map(LogCondition::Seq));
        conditions.extend(bounds(&[0, 3, 7].map(at)).into_iter().map(LogCondition::At));
        conditions.extend(bounds(LogLevel::ALL).into_iter().map(LogCondition::Level));
        let messages = texts(&["Step_0 of 100%"], &["STEP_", "step_1", "0%", "%0"]);
        conditions.extend(messages.into_iter().map(LogCondition::Message));
        assert_filters(
            LogCondition::FIELDS,
            LogCondition::field,
            &conditions,
            &lines,
            matches,
            async |filter| {
                executions
                    .execution_log_list(one, filter, everything())
                    .await
                    .unwrap()
            },
        )
        .await;
    })
    .await;
}
