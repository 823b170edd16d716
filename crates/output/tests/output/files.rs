//! Files below the output folder, and nowhere else.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use ratchet_interfaces::{Delivery, DeliveryError, OutputDelivery, OutputDestination};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{deliver, delivery, destination, manager, parts};

fn file(options: Value) -> OutputDestination {
    destination(json!({"destinationType": "filesystem", "filesystem": options}))
}

fn text(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

/// Everything below a folder, in order.
fn all_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_result_becomes_a_file_in_folders_that_are_made_for_it() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path().join("not/there/yet")));
    let reports = file(json!({"path": "reports/{{ task }}/{{ tick | date('%Y-%m-%d') }}.json"}));
    let receipt = deliver(&output, &reports, json!({"a": 1})).await.unwrap();
    assert_eq!(
        receipt.detail.as_deref(),
        Some("reports/report/2026-11-24.json, 8 bytes")
    );
    assert_eq!(
        text(&folder, "not/there/yet/reports/report/2026-11-24.json"),
        "{\"a\":1}\n"
    );
}

#[tokio::test]
async fn a_file_is_replaced_as_a_whole_and_no_other_is_left_behind() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    let report = file(json!({"path": "a/report.txt", "format": "RAW"}));
    deliver(&output, &report, json!("a long first text"))
        .await
        .unwrap();
    let held = fs::File::open(folder.path().join("a/report.txt")).unwrap();
    deliver(&output, &report, json!("second")).await.unwrap();
    assert_eq!(text(&folder, "a/report.txt"), "second");
    assert_eq!(all_files(folder.path()), ["a/report.txt"]);
    // Who has opened the old one still reads all of it.
    assert_eq!(std::io::read_to_string(held).unwrap(), "a long first text");
}

#[tokio::test]
async fn what_a_process_that_died_left_half_written_is_taken_over() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    for mode in ["replace", "new"] {
        let delivery = delivery(
            file(json!({"path": format!("{mode}.json"), "mode": mode})),
            json!(1),
        );
        let left = folder.path().join(format!(".{}.0.tmp", delivery.id));
        fs::write(&left, "{\"half").unwrap();
        output.deliver(&delivery).await.unwrap();
        assert_eq!(text(&folder, &format!("{mode}.json")), "1\n");
    }
    assert_eq!(all_files(folder.path()), ["new.json", "replace.json"]);
}

#[tokio::test]
async fn results_are_added_in_whole_lines_however_many_come_at_once() {
    let folder = TempDir::new().unwrap();
    let output = Arc::new(manager(parts(folder.path())));
    let log = file(json!({"path": "log.jsonl", "mode": "append"}));
    let mut under_way = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (output, log) = (Arc::clone(&output), log.clone());
        under_way
            .spawn(async move { deliver(&output, &log, json!({"n": n, "pad": "x".repeat(10_000)})).await });
    }
    while let Some(delivered) = under_way.join_next().await {
        delivered.unwrap().unwrap();
    }
    let text = text(&folder, "log.jsonl");
    let mut numbers: Vec<u64> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["n"]
                .as_u64()
                .unwrap()
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn half_a_line_that_somebody_left_does_not_spoil_the_next() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    fs::write(folder.path().join("log.jsonl"), "{\"half").unwrap();
    let log = file(json!({"path": "log.jsonl", "mode": "APPEND"}));
    deliver(&output, &log, json!(7)).await.unwrap();
    assert_eq!(text(&folder, "log.jsonl"), "{\"half\n7\n");
}

#[tokio::test]
async fn a_table_that_rows_are_added_to_has_one_header_and_no_other_columns() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    let table = file(json!({"path": "t.csv", "format": "CSV", "mode": "append"}));
    deliver(&output, &table, json!([{"a": 1, "b": 2}])).await.unwrap();
    deliver(&output, &table, json!([{"a": 3, "b": 4}, {"a": 5}]))
        .await
        .unwrap();
    assert_eq!(text(&folder, "t.csv"), "a,b\n1,2\n3,4\n5,\n");
    let error = deliver(&output, &table, json!([{"a": 1, "c": 2}]))
        .await
        .unwrap_err();
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "filesystem.path is \"t.csv\": the file has other columns than a,c"
    );
}

#[tokio::test]
async fn a_new_file_replaces_none_and_the_same_delivery_twice_is_no_failure() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    for (path, compression) in [
        ("a.json", None),
        ("a.json.gz", Some("GZIP")),
        ("a.json.zst", Some("ZSTD")),
    ] {
        let once = file(json!({"path": path, "mode": "new", "compression": compression}));
        let first = delivery(once.clone(), json!({"a": 1}));
        output.deliver(&first).await.unwrap();
        // The process was killed before it could tell: the same attempt is made again, and later others.
        output.deliver(&first).await.unwrap();
        let again = Delivery {
            attempts: 3,
            ..(*first).clone()
        };
        output.deliver(&Arc::new(again)).await.unwrap();
        let error = deliver(&output, &once, json!({"a": 2})).await.unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!("filesystem.path is \"{path}\": the file is there already, with another result")
        );
    }
    assert_eq!(text(&folder, "a.json"), "{\"a\":1}\n");
    assert_eq!(all_files(folder.path()), ["a.json", "a.json.gz", "a.json.zst"]);
}

#[tokio::test]
async fn what_is_compressed_is_read_back_also_after_something_was_added() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    for mode in ["replace", "append"] {
        for compression in ["GZIP", "ZSTD"] {
            let path = format!("{mode}.{compression}");
            let packed = file(json!({"path": path, "mode": mode, "compression": compression}));
            for n in 0..3 {
                deliver(&output, &packed, json!(n)).await.unwrap();
            }
            let stored = fs::File::open(folder.path().join(&path)).unwrap();
            let mut text = String::new();
            if compression == "GZIP" {
                MultiGzDecoder::new(stored).read_to_string(&mut text).unwrap();
            } else {
                zstd::Decoder::new(stored)
                    .unwrap()
                    .read_to_string(&mut text)
                    .unwrap();
            }
            let expected = if mode == "append" { "0\n1\n2\n" } else { "2\n" };
            assert_eq!(text, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn a_template_and_the_envelope_take_the_place_of_the_output() {
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    let mut page = file(json!({"path": "page.html"}));
    page.template = Some("<b>{{ output.n }}</b> at {{ tick }}".to_owned());
    deliver(&output, &page, json!({"n": 7})).await.unwrap();
    assert_eq!(text(&folder, "page.html"), "<b>7</b> at 2026-11-24T00:00:00Z");
    let error = deliver(&output, &page, json!({})).await.unwrap_err();
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "filesystem: template template, line 1, column 7: undefined value: `output.n` is undefined"
    );
    let envelope = file(json!({"path": "all.yaml", "format": "YAML", "includeMetadata": true}));
    deliver(&output, &envelope, json!(null)).await.unwrap();
    let told = text(&folder, "all.yaml");
    assert!(
        told.contains("task: report\n") && told.contains("status: COMPLETED\n"),
        "{told}"
    );
}

#[tokio::test]
async fn a_hundred_megabytes_are_written() {
    const SIZE: usize = 100 << 20;
    let folder = TempDir::new().unwrap();
    let output = manager(parts(folder.path()));
    let raw = file(json!({"path": "large", "format": "RAW"}));
    let large = Value::String("x".repeat(SIZE));
    let receipt = deliver(&output, &raw, large).await.unwrap();
    assert_eq!(receipt.detail.as_deref(), Some("large, 104857600 bytes"));
    assert_eq!(
        fs::metadata(folder.path().join("large")).unwrap().len(),
        SIZE as u64
    );
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[tokio::test]
    async fn a_new_file_has_the_permissions_that_are_asked_for() {
        let folder = TempDir::new().unwrap();
        let output = manager(parts(folder.path()));
        for mode in ["replace", "append", "new"] {
            let secret = file(json!({"path": mode, "mode": mode, "permissions": "640"}));
            deliver(&output, &secret, json!(1)).await.unwrap();
            let metadata = fs::metadata(folder.path().join(mode)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o7777, 0o640, "{mode}");
        }
    }

    #[tokio::test]
    async fn no_symbolic_link_leads_out_of_the_folder() {
        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let output = manager(parts(folder.path()));
        let victim = outside.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        symlink(outside.path(), folder.path().join("absolute")).unwrap();
        let up = Path::new("../..").join(outside.path().strip_prefix("/").unwrap());
        symlink(up, folder.path().join("inner/relative")).unwrap();
        symlink("/proc/self/cwd", folder.path().join("magic")).unwrap();
        for path in [
            "absolute/victim",
            "absolute/new/x",
            "inner/relative/victim",
            "magic/victim",
        ] {
            for mode in ["replace", "append", "new"] {
                let escape = file(json!({"path": path, "mode": mode}));
                let error = deliver(&output, &escape, json!("pwned")).await.unwrap_err();
                assert!(
                    matches!(&error, DeliveryError::Destination { message } if message.contains("symbolic link")),
                    "{path} {mode}: {error}"
                );
            }
        }
        assert_eq!(all_files(outside.path()), ["victim"]);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    }

    #[tokio::test]
    async fn a_link_in_place_of_the_file_is_replaced_and_not_followed_out() {
        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let output = manager(parts(folder.path()));
        let victim = outside.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        for mode in ["replace", "append", "new"] {
            symlink(&victim, folder.path().join(mode)).unwrap();
            let written = deliver(&output, &file(json!({"path": mode, "mode": mode})), json!(1)).await;
            if mode == "replace" {
                written.unwrap();
                assert_eq!(text(&folder, mode), "1\n");
            } else {
                let error = written.unwrap_err();
                assert!(!error.is_retryable(), "{mode}: {error}");
            }
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert_eq!(fs::metadata(&victim).unwrap().nlink(), 1);
    }

    /// Folder and link change places all the time: what is written goes into the folder, or nowhere.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_folder_that_becomes_a_link_while_it_is_written_to_leads_nowhere() {
        use std::sync::atomic::{AtomicBool, Ordering};
        use std::time::{Duration, Instant};

        use rustix::fs::{CWD, RenameFlags, renameat_with};

        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let output = manager(parts(folder.path()));
        let (inner, link) = (folder.path().join("inner"), folder.path().join("link"));
        fs::create_dir(&inner).unwrap();
        symlink(outside.path(), &link).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let swapping = std::thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                renameat_with(CWD, &inner, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let (mut written, mut refused) = (0, 0);
        let deadline = Instant::now() + Duration::from_secs(60);
        while (written < 100 || refused < 100) && Instant::now() < deadline {
            let swapped = file(json!({"path": "inner/x"}));
            match deliver(&output, &swapped, json!(1)).await {
                Ok(_) => written += 1,
                Err(error) => {
                    assert!(error.to_string().contains("symbolic link"), "{error}");
                    refused += 1;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        swapping.join().unwrap();
        assert!(written >= 100 && refused >= 100, "{written} {refused}");
        assert_eq!(all_files(outside.path()), [""; 0]);
    }

    #[tokio::test]
    async fn what_is_no_ordinary_file_is_not_written_to() {
        let folder = TempDir::new().unwrap();
        let output = manager(parts(folder.path()));
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for (path, mode, told) in [
            ("pipe", "append", "no ordinary file"),
            ("folder", "append", "it is a folder, and no file"),
            ("folder", "replace", "it is a folder, and no file"),
            ("file/x", "replace", "a part of it is a file, and no folder"),
        ] {
            let error = deliver(&output, &file(json!({"path": path, "mode": mode})), json!(1))
                .await
                .unwrap_err();
            assert!(!error.is_retryable(), "{path} {mode}: {error}");
            assert!(error.to_string().contains(told), "{path} {mode}: {error}");
        }
    }
}

#[tokio::test]
async fn a_path_that_a_result_would_lead_out_is_not_written() {
    let parent = TempDir::new().unwrap();
    let output = manager(parts(parent.path().join("output")));
    let named = file(json!({"path": "by/{{ output.name }}"}));
    for name in ["../../etc/passwd", "/etc/passwd", "..\\..\\x"] {
        deliver(&output, &named, json!({"name": name})).await.unwrap();
    }
    let error = deliver(&output, &named, json!({"name": ".."})).await.unwrap_err();
    assert!(!error.is_retryable());
    assert_eq!(
        all_files(parent.path()),
        [
            "output/by/.._.._etc_passwd",
            "output/by/.._.._x",
            "output/by/_etc_passwd"
        ]
    );
}
