use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// An HTTP server of a test, on a free port of loopback: a thread for each connection.
pub struct WebServer {
    address: SocketAddr,
    stops: Arc<AtomicBool>,
    listens: Option<JoinHandle<()>>,
}

/// A request that arrived whole.
#[derive(Debug)]
pub struct WebRequest {
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, to the byte.
    pub body: Vec<u8>,
}

/// What becomes of a request.
pub enum WebAnswer {
    /// A status and a JSON body.
    Status(u16, String),
    /// The connection is closed without a word.
    HangUp,
}

impl WebServer {
    /// Starts it. `answer` runs on the connection's thread and may block.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(answer: impl Fn(WebRequest) -> WebAnswer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let stops = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let listens = std::thread::spawn({
            let stops = Arc::clone(&stops);
            move || {
                for stream in listener.incoming() {
                    if stops.load(Ordering::Acquire) {
                        return;
                    }
                    let answer = Arc::clone(&answer);
                    let stream = stream.expect("a connection is accepted");
                    std::thread::spawn(move || serve(&stream, &*answer));
                }
            }
        });
        Self {
            address,
            stops,
            listens: Some(listens),
        }
    }

    /// The URL of a path that begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Release);
        // The connection wakes the thread, which then sees that it is to stop.
        if TcpStream::connect(self.address).is_ok()
            && let Some(listens) = self.listens.take()
            && listens.join().is_err()
        {
            eprintln!("the test's web server has panicked");
        }
    }
}

/// Answers until the client closes the connection, as one does that is killed.
fn serve(stream: &TcpStream, answer: &dyn Fn(WebRequest) -> WebAnswer) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let WebAnswer::Status(status, body) = answer(request) else {
            return;
        };
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut writer = stream;
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// The next request; `None` when the connection ends before there is a whole one.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<WebRequest> {
    let line = line(reader)?;
    let path = line.split(' ').nth(1).expect("a request line").to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let line = self::line(reader)?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.append(
            name.parse::<HeaderName>().expect("a header's name"),
            value.parse::<HeaderValue>().expect("a header's value"),
        );
    }
    let length = headers.get("content-length").map_or(0, |length| {
        let length = length.to_str().expect("a length is text");
        length.parse().expect("a length is a number")
    });
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(WebRequest { path, headers, body })
}

fn line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(1..) => Some(line.trim_end().to_owned()),
        Ok(0) | Err(_) => None,
    }
}
