use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take that must happen. Tests wait for events, not for time; this only ends a test that
/// would otherwise hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command until the input ends, which it does with the process that holds the other end of the pipe, whatever becomes
/// of that. Then the folder goes too.
const UNTIL_INPUT_ENDS: &str =
    r#""$@" & server=$!; cat >/dev/null; kill "$server"; wait "$server"; cd / && rm -rf "$0""#;

/// The binary under test.
///
/// # Panics
/// When there is none: build it first, or run `cargo xtask test`.
#[must_use]
pub fn ratchet_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RATCHET_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("the test has a path");
    let target = test
        .parent()
        .and_then(Path::parent)
        .expect("the test lies in the target folder");
    let binary = target.join("ratchet");
    assert!(
        binary.exists(),
        "{} does not exist: run cargo build -p ratchet-server first",
        binary.display()
    );
    binary
}

/// A running `ratchet serve`.
pub struct ServerProcess {
    child: Child,
    /// Known as soon as it listens.
    address: Option<SocketAddr>,
    ready: bool,
    lines: Receiver<Line>,
    results: Vec<Value>,
    log: Vec<Value>,
    readers: Vec<JoinHandle<()>>,
}

enum Line {
    Result(Value),
    Log(Value),
}

/// What the server answered over HTTP.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: HashMap<String, String>,
    /// The JSON body; null where there is none.
    pub body: Value,
}

impl HttpAnswer {
    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        let mut lines = head.lines();
        let status_line = lines.next().expect("a status line");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status_line
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .expect("a status line"),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: match body {
                "" => Value::Null,
                body => serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}")),
            },
        }
    }
}

/// How a process ended, and what it had said.
#[derive(Debug)]
pub struct Exit {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its results, a JSON value a line of standard output.
    pub results: Vec<Value>,
    /// Its log, a JSON object a line of standard error; a line that is none is kept as a string.
    pub log: Vec<Value>,
}

impl ServerProcess {
    /// Starts a server in `folder`, on a free port of loopback. Returns at once; see [`ServerProcess::ready`].
    ///
    /// # Panics
    /// When the process cannot be started.
    #[must_use]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(ratchet_binary()).current_dir(folder), arguments)
    }

    /// As [`ServerProcess::start`], for a server that all tests of a process share: it ends with the process, however that
    /// ends, and its folder is deleted then.
    ///
    /// # Panics
    /// When the process cannot be started.
    #[must_use]
    pub fn start_for_this_process(folder: &Path, arguments: &[&str]) -> Self {
        let binary = ratchet_binary().canonicalize().expect("the binary exists");
        let mut command = Command::new("sh");
        command
            .args(["-c", UNTIL_INPUT_ENDS])
            .arg(folder)
            .arg(binary)
            .current_dir(folder);
        Self::spawn_with_input(&mut command, arguments, Stdio::piped())
    }

    /// As [`ServerProcess::start`], in an environment that grants so many open files to who does not ask for more.
    ///
    /// # Panics
    /// When the process cannot be started.
    #[must_use]
    pub fn start_with_open_files(folder: &Path, files: u32, arguments: &[&str]) -> Self {
        let binary = ratchet_binary().canonicalize().expect("the binary exists");
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -Sn \"$0\" && exec \"$@\"", &files.to_string()])
            .arg(binary)
            .current_dir(folder);
        Self::spawn(&mut command, arguments)
    }

    /// Starts a server by a command that lacks the arguments of `ratchet`.
    pub(crate) fn spawn(command: &mut Command, arguments: &[&str]) -> Self {
        Self::spawn_with_input(command, arguments, Stdio::null())
    }

    fn spawn_with_input(command: &mut Command, arguments: &[&str], input: Stdio) -> Self {
        let bind: &[&str] = if arguments.contains(&"--bind") {
            &[]
        } else {
            &["--bind", "127.0.0.1:0"]
        };
        let mut child = command
            .args(["serve", "--log-format", "json"])
            .args(bind)
            .args(arguments)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("it was piped");
        let stderr = child.stderr.take().expect("it was piped");
        let readers = vec![
            read_lines(stdout, sender.clone(), Line::Result),
            read_lines(stderr, sender, Line::Log),
        ];
        Self {
            child,
            address: None,
            ready: false,
            lines,
            results: Vec::new(),
            log: Vec::new(),
            readers,
        }
    }

    /// Waits until the server is ready.
    ///
    /// # Panics
    /// When it ends before, or takes too long.
    #[must_use]
    pub fn ready(self) -> Self {
        self.until("ready", |server| server.ready)
    }

    /// Waits until the server listens, which it does while it still starts.
    ///
    /// # Panics
    /// When it ends before, or takes too long.
    #[must_use]
    pub fn listening(self) -> Self {
        self.until("listening", |server| server.address.is_some())
    }

    fn until(mut self, what: &str, reached: fn(&Self) -> bool) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while !reached(&self) {
            self.take_line(deadline).unwrap_or_else(|end| {
                let code = self.child.try_wait();
                panic!(
                    "the server is not {what}: {end:?}, {code:?}, it said: {:#?}",
                    self.log
                )
            });
        }
        self
    }

    /// Takes in what the server says until `enough` of its results says so, or the deadline.
    pub fn watch(&mut self, deadline: Instant, enough: impl Fn(&[Value]) -> bool) {
        while !enough(&self.results) && self.take_line(deadline).is_ok() {}
    }

    /// Waits for the next result that `wanted` accepts.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_for_result(&mut self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        loop {
            if let Some(result) = self.results[seen..].iter().find(|result| wanted(result)) {
                return result.clone();
            }
            seen = self.results.len();
            self.take_line(deadline)
                .unwrap_or_else(|end| panic!("no such result: {end:?}, log: {:#?}", self.log));
        }
    }

    /// Waits for a line of the log with this message.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_for_log(&mut self, message: &str) {
        self.wait_for_logs(message, 1);
    }

    /// Waits for so many lines of the log with this message.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_for_logs(&mut self, message: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.log.iter().filter(|line| line["message"] == message).count() < count {
            self.take_line(deadline)
                .unwrap_or_else(|end| panic!("it does not say {message}: {end:?}, log: {:#?}", self.log));
        }
    }

    /// The results that were taken in so far.
    #[must_use]
    pub fn results(&self) -> &[Value] {
        &self.results
    }

    /// The log that was taken in so far.
    #[must_use]
    pub fn log(&self) -> &[Value] {
        &self.log
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server over HTTP: status and JSON body.
    ///
    /// # Panics
    /// When it does not answer, or not in JSON.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.send("GET", path, &[], None);
        (answer.status, answer.body)
    }

    /// Sends a request with a JSON body, or without a body.
    ///
    /// # Panics
    /// When the server does not answer, or not in JSON.
    #[must_use]
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> HttpAnswer {
        let body = body.map(ToString::to_string);
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send_text(method, path, &headers, body.as_deref().unwrap_or(""))
    }

    /// Sends a request with any body.
    ///
    /// # Panics
    /// When the server does not answer, or not in JSON.
    #[must_use]
    pub fn send_text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        let address = self.address.expect("the server listens");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout can be set");
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if headers.iter().all(|(name, _)| *name != "host") {
            request.push_str(&format!("host: {address}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        HttpAnswer::read(&answer)
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Kills the process with SIGKILL.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) -> Exit {
        self.child.kill().expect("it can be killed");
        self.ended()
    }

    /// Sends a signal, and waits until the process has ended.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn end_by(self, signal: Signal) -> Exit {
        self.signal(signal);
        self.ended()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process has an id");
        kill_process(pid, signal).expect("the process is ours");
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// When it does not end.
    pub fn ended(mut self) -> Exit {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.take_line(deadline) {
                Ok(()) => {}
                // Both pipes are closed: the process has ended, or is about to.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().expect("it can be killed");
                    panic!("the process does not end: {:#?}", self.log);
                }
            }
        }
        let status = self.child.wait().expect("it is our child");
        for reader in self.readers.drain(..) {
            reader.join().expect("readers do not panic");
        }
        Exit {
            code: status.code(),
            results: std::mem::take(&mut self.results),
            log: std::mem::take(&mut self.log),
        }
    }

    fn take_line(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        match self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))?
        {
            Line::Result(value) => self.results.push(value),
            Line::Log(value) => {
                let message = value["message"].as_str();
                if message == Some("the server starts") {
                    self.address = value["address"].as_str().and_then(|address| address.parse().ok());
                }
                self.ready |= message == Some("the server is ready");
                self.log.push(value);
            }
        }
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // A test that panicked leaves no server behind. One that has ended already cannot be killed, and a shell must not be,
        // as it has the server to end: it does so when its input ends.
        let ends_itself = self.child.stdin.take().is_some();
        if (ends_itself || self.child.kill().is_ok()) && self.child.wait().is_err() {
            eprintln!("process {} could not be waited for", self.child.id());
        }
    }
}

fn read_lines(
    pipe: impl Read + Send + 'static,
    lines: Sender<Line>,
    wrap: fn(Value) -> Line,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if lines.send(wrap(value)).is_err() {
                return;
            }
        }
    })
}
