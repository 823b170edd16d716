use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::DateTime;
use ratchet_interfaces::{
    ExecutionId, JobId, LogLevel, ManualClock, Progress, RunLimits, StopSource, TaskContext, TaskDefinition,
    TaskError, TaskExecutor, TaskId, TaskMonitor, TaskRequest,
};
use ratchet_runtimes::{ProcessConfig, ProcessRuntime};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(60);

/// A runtime that may run `sh` and some others, with a folder of the test's own.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
    pub(crate) runtime: ProcessRuntime,
    pub(crate) monitor: Arc<Kept>,
    pub(crate) stop: StopSource,
    pub(crate) limits: RunLimits,
}

/// Keeps what a run says.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<(LogLevel, String)>>);

impl Kept {
    pub(crate) fn all(&self) -> Vec<(LogLevel, String)> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, level: LogLevel) -> Vec<String> {
        let lines = self.all().into_iter().filter(|(of, _)| *of == level);
        lines.map(|(_, line)| line).collect()
    }

    pub(crate) fn has(&self, line: &str) -> bool {
        self.all().iter().any(|(_, kept)| kept == line)
    }
}

impl TaskMonitor for Kept {
    fn log(&self, level: LogLevel, message: &str) {
        self.0.lock().unwrap().push((level, message.to_owned()));
    }

    fn progress(&self, _: Progress) {}
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world whose configuration is changed before it is used.
    pub(crate) fn with(change: impl FnOnce(&mut ProcessConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let mut config = ProcessConfig {
            enabled: true,
            allowed_commands: ["sh", "/bin/echo", "/bin/cat"].map(str::to_owned).to_vec(),
            ..ProcessConfig::default()
        };
        change(&mut config);
        Self {
            runtime: ProcessRuntime::new(config, clock.clone()).unwrap(),
            clock,
            folder,
            monitor: Arc::default(),
            stop: StopSource::default(),
            limits: RunLimits {
                timeout: DEADLINE,
                memory_bytes: None,
            },
        }
    }

    /// A file of the test's folder.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn request(&self, source: &Value, input: Value) -> TaskRequest {
        let id = TaskId::new();
        let mut task = TaskDefinition::new(id, "backup", "1.2.0", "process");
        task.source = Some(source.to_string());
        TaskRequest {
            task: Arc::new(task),
            input,
            context: TaskContext {
                execution_id: ExecutionId::new(),
                job_id: JobId::new(),
                task_id: id,
                task_version: "1.2.0".to_owned(),
                scheduled_for: Some("2026-03-01T06:00:00Z".parse().unwrap()),
                attempt: 2,
            },
            limits: self.limits,
            monitor: self.monitor.clone(),
            stop: self.stop.token(),
        }
    }

    /// What comes of a run, which must come.
    pub(crate) async fn run(&self, source: &Value, input: Value) -> Result<Value, TaskError> {
        let run = self.runtime.execute(self.request(source, input));
        tokio::time::timeout(DEADLINE, run).await.unwrap()
    }

    /// What comes of a script of the shell.
    pub(crate) async fn script(&self, script: &str) -> Result<Value, TaskError> {
        self.run(&shell(script), Value::Null).await
    }

    /// What is wrong with a task.
    pub(crate) fn check(&self, source: &Value) -> Option<String> {
        self.runtime.check(&self.request(source, Value::Null).task)
    }
}

/// The source of a task that runs this script.
pub(crate) fn shell(script: &str) -> Value {
    json!({"command": "sh", "args": ["-c", verbatim(script)]})
}

/// A template of just this text.
fn verbatim(text: &str) -> String {
    assert!(!text.contains("{% endraw %}"));
    format!("{{% raw %}}{text}{{% endraw %}}")
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < DEADLINE, "{what}: it did not come");
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}

/// What a file says, once it says a whole line.
pub(crate) async fn line_of(file: &str) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    until(file, || read().ends_with('\n')).await;
    read().trim().to_owned()
}

/// Whether a process with this number runs, and is no mere zombie.
pub(crate) fn runs(pid: &str) -> bool {
    state_of(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// Whether the system knows the number at all.
pub(crate) fn exists(pid: &str) -> bool {
    state_of(pid).is_some()
}

fn state_of(pid: &str) -> Option<char> {
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return stat.rsplit_once(") ")?.1.chars().next();
    }
    let told = Command::new("ps")
        .args(["-o", "stat=", "-p", pid])
        .output()
        .unwrap();
    String::from_utf8(told.stdout).unwrap().trim().chars().next()
}

/// Writes a file that may be run. Another process writes it: while one of this process's threads has it open, a process
/// that another thread starts has it open as well, and then the system does not run it.
pub(crate) fn write_script(path: &Path, text: &str) {
    let written = Command::new("sh")
        .args(["-c", "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .arg(text)
        .status()
        .unwrap();
    assert!(written.success());
}
